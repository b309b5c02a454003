//! The response future of [`InjectKey`](crate::outbound::InjectKey): at most two attempts at one
//! request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::attempt::{Attempt, Sent, send};
use super::shared::Handle;
use crate::outbound::adapter::{ClassifyRejection, RequestAdapter};
use crate::outbound::credential::Credential;
use crate::outbound::outcome::NotReplayed;
use crate::rotating::Refreshing;

pin_project! {
    /// The response future of [`InjectKey`](crate::outbound::InjectKey).
    ///
    /// It resolves to the answer to the first attempt, or to the second if the request is replayed.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, X, Req>
    where
        S: Service<X::Sent>,
        X: RequestAdapter<Req>,
    {
        #[pin]
        kind: Kind<S, X, Req>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<S, X, Req>
    where
        S: Service<X::Sent>,
        X: RequestAdapter<Req>,
    {
        /// The credential was rejected a moment ago. The request waits for the refresh, unsent.
        Held { refreshing: Refreshing<Credential>, kept: Option<(S, Arc<Handle<X>>, Req)> },
        /// The refresh has ended. The request is sent as soon as the inner service is ready.
        Released { inner: S, shared: Arc<Handle<X>>, request: Option<Req> },
        /// The request carries no credential of ours, so its answer is passed on unseen.
        Passed { #[pin] answer: S::Future },
        /// The request carries the credential.
        Keyed {
            #[pin]
            state: State<S::Future, S, X::Sent, X::Saved, Result<S::Response, S::Error>>,
            attempt: Attempt<X>,
        },
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, S, Request, Saved, Answer> {
        /// The first attempt is in flight. `replay` is what a second one needs.
        First { #[pin] answer: F, replay: Option<(S, Saved)> },
        /// The upstream rejected the first attempt. Its answer is kept in case there is no other
        /// key.
        Refreshing { refreshing: Refreshing<Credential>, kept: Option<(Answer, S, Saved)> },
        /// There is another key. The first answer is dropped, and with it what it held of the inner
        /// service, which must become ready again.
        Readying { service: S, request: Option<Request> },
        /// The second attempt is in flight.
        Second { #[pin] answer: F },
    }
}

impl<S, X, Req> ResponseFuture<S, X, Req>
where
    S: Service<X::Sent>,
    X: RequestAdapter<Req>,
{
    pub(crate) const fn held(
        refreshing: Refreshing<Credential>,
        inner: S,
        shared: Arc<Handle<X>>,
        request: Req,
    ) -> Self {
        let kept = Some((inner, shared, request));
        let kind = Kind::Held { refreshing, kept };
        Self { kind }
    }

    pub(crate) fn sent(sent: Sent<S::Future, S, X, X::Saved>) -> Self {
        Self { kind: sent.into() }
    }
}

impl<S, X, Req> From<Sent<S::Future, S, X, X::Saved>> for Kind<S, X, Req>
where
    S: Service<X::Sent>,
    X: RequestAdapter<Req>,
{
    fn from(sent: Sent<S::Future, S, X, X::Saved>) -> Self {
        match sent {
            Sent::Passed(answer) => Self::Passed { answer },
            Sent::Keyed {
                answer,
                replay,
                attempt,
            } => Self::Keyed {
                state: State::First { answer, replay },
                attempt,
            },
        }
    }
}

impl<S, X, Req> Future for ResponseFuture<S, X, Req>
where
    X: RequestAdapter<Req> + ClassifyRejection<S::Response, S::Error>,
    S: Service<X::Sent> + Clone,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut kind = self.project().kind;
        let (mut state, attempt) = loop {
            let next = match kind.as_mut().project() {
                KindProj::Held { refreshing, kept } => {
                    // Whether or not the refresh succeeded, the current credential is sent.
                    drop(ready!(Pin::new(refreshing).poll(cx)));
                    let (inner, shared, request) = taken(kept);
                    Kind::Released {
                        inner,
                        shared,
                        request: Some(request),
                    }
                }
                KindProj::Released {
                    inner,
                    shared,
                    request,
                } => {
                    ready!(inner.poll_ready(cx))?;
                    let mut request = taken(request);
                    let found = shared.credential_for(&mut request);
                    send(inner, shared, request, found).into()
                }
                KindProj::Passed { answer } => return answer.poll(cx),
                KindProj::Keyed { state, attempt } => break (state, attempt),
            };
            kind.set(next);
        };
        loop {
            let next = match state.as_mut().project() {
                StateProj::First { answer, replay } => {
                    let answer = ready!(answer.poll(cx));
                    let replay = replay.take();
                    if !attempt.adapter().rejects(&answer) {
                        attempt.report_accepted(&answer);
                        return Poll::Ready(answer);
                    }
                    // Requested even if there is no second attempt: later requests profit from it.
                    let refreshing = attempt.other_credential();
                    let kept = replay.and_then(|(service, saved)| {
                        let saved = attempt.adapter().pause(saved)?;
                        Some((service, saved))
                    });
                    let Some((service, saved)) = kept else {
                        return Poll::Ready(attempt.not_replayed(answer, NotReplayed::BodyNotKept));
                    };
                    State::Refreshing {
                        refreshing,
                        kept: Some((answer, service, saved)),
                    }
                }
                StateProj::Refreshing { refreshing, kept } => {
                    let refreshed = ready!(Pin::new(refreshing).poll(cx));
                    let (answer, service, saved) = taken(kept);
                    let credential = match refreshed {
                        Ok(credential) => credential,
                        Err(error) => {
                            let reason = NotReplayed::RefreshFailed(error);
                            return Poll::Ready(attempt.not_replayed(answer, reason));
                        }
                    };
                    let Some(mut request) = attempt.adapter().resend(saved) else {
                        return Poll::Ready(attempt.not_replayed(answer, NotReplayed::BodyNotKept));
                    };
                    let (name, value) = (credential.name(), credential.value());
                    attempt.adapter().set_header(&mut request, name, value);
                    attempt.replay_with(&credential);
                    State::Readying {
                        service,
                        request: Some(request),
                    }
                }
                StateProj::Readying { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    State::Second {
                        answer: service.call(taken(request)),
                    }
                }
                StateProj::Second { answer } => {
                    let answer = ready!(answer.poll(cx));
                    return Poll::Ready(attempt.replayed(answer));
                }
            };
            state.set(next);
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "polling a finished future is the caller's bug"
)]
fn taken<T>(kept: &mut Option<T>) -> T {
    kept.take().expect("polled after completion")
}

impl<S, X, Req> fmt::Debug for ResponseFuture<S, X, Req>
where
    S: Service<X::Sent>,
    X: RequestAdapter<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
