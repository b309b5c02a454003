//! The response future of [`InjectKey`](crate::outbound::InjectKey): one request, sent as often as
//! the upstream's answers make it worth while.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::journey::{Journey, Next};
use super::shared::Handle;
use crate::outbound::adapter::{ClassifyRejection, RequestAdapter};
use crate::outbound::config::Found;
use crate::outbound::credential::Credential;
use crate::outbound::evidence::{Evidence, Resend};
use crate::rotating::Refreshing;

pin_project! {
    /// The response future of [`InjectKey`](crate::outbound::InjectKey).
    ///
    /// It resolves to the answer to the last attempt at the request.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, X, Req>
    where
        S: Service<X::Sent>,
        X: RequestAdapter<Req>,
    {
        #[pin]
        state: State<S, X, X::Sent, X::Saved, Req, S::Future, Result<S::Response, S::Error>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, X, Sent, Saved, Req, F, Answer> {
        /// The credential was rejected a moment ago. The request waits for the refresh, unsent.
        Held {
            refreshing: Refreshing<Credential, Evidence>,
            kept: Option<(S, Arc<Handle<X>>, Req)>,
        },
        /// The refresh has ended. The request is sent as soon as the inner service is ready.
        Released { inner: S, shared: Arc<Handle<X>>, request: Option<Req> },
        /// The request carries no credential of ours, so its answer is passed on unseen.
        Passed { #[pin] answer: F },
        /// An attempt is under way. `again` is what another one needs.
        Sent { #[pin] answer: F, again: Option<(S, Saved)>, journey: Option<Journey<X>> },
        /// The upstream rejected the attempt. Its answer is kept in case there is no other
        /// credential.
        Rejected { rejected: Option<Rejected<S, X, Saved, Answer>> },
        /// A newer credential may come.
        Refreshing {
            refreshing: Refreshing<Credential, Evidence>,
            rejected: Option<Rejected<S, X, Saved, Answer>>,
        },
        /// There is another credential. The answer is dropped, and with it what it held of the
        /// inner service, which must become ready again.
        Readying { replay: Option<Replay<S, X, Sent, Saved>> },
    }
}

/// A request that waits to be sent again.
struct Replay<S, X, Sent, Saved> {
    service: S,
    request: Sent,
    saved: Option<Saved>,
    journey: Journey<X>,
}

/// A request that the upstream rejected.
struct Rejected<S, X, Saved, Answer> {
    answer: Answer,
    journey: Journey<X>,
    /// The inner service, and what was kept of the request, if it can be sent again.
    again: Option<(S, Saved)>,
}

impl<S, X, Req> ResponseFuture<S, X, Req>
where
    S: Service<X::Sent>,
    X: RequestAdapter<Req>,
{
    pub(crate) const fn held(
        refreshing: Refreshing<Credential, Evidence>,
        inner: S,
        shared: Arc<Handle<X>>,
        request: Req,
    ) -> Self {
        let kept = Some((inner, shared, request));
        let state = State::Held { refreshing, kept };
        Self { state }
    }
}

impl<S, X, Req> ResponseFuture<S, X, Req>
where
    S: Service<X::Sent> + Clone,
    X: RequestAdapter<Req>,
{
    /// Sends the request with the credential that was found for it. The inner service must be
    /// ready.
    pub(crate) fn send(
        inner: &mut S,
        shared: &Arc<Handle<X>>,
        request: Req,
        found: Option<Found>,
    ) -> Self {
        let state = State::send(inner, shared, request, found);
        Self { state }
    }
}

impl<S, X, Req> State<S, X, X::Sent, X::Saved, Req, S::Future, Result<S::Response, S::Error>>
where
    S: Service<X::Sent> + Clone,
    X: RequestAdapter<Req>,
{
    fn send(inner: &mut S, shared: &Arc<Handle<X>>, request: Req, found: Option<Found>) -> Self {
        let Some(found) = found else {
            let request = shared.adapter.pass(request);
            return Self::Passed {
                answer: inner.call(request),
            };
        };
        let (mut sent, kept) = shared.adapter.save(request);
        let (journey, saved) = Journey::start(shared, found, &mut sent, kept);
        // The clone is not ready, and is readied before it is called; the ready instance is called
        // now.
        let again = saved.map(|saved| (inner.clone(), saved));
        Self::Sent {
            answer: inner.call(sent),
            again,
            journey: Some(journey),
        }
    }
}

const fn resend<T>(again: Option<&T>) -> Resend {
    match again {
        Some(_) => Resend::Possible,
        None => Resend::Impossible,
    }
}

impl<S, X, Req> Future for ResponseFuture<S, X, Req>
where
    X: RequestAdapter<Req> + ClassifyRejection<S::Response, S::Error>,
    S: Service<X::Sent> + Clone,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Held { refreshing, kept } => {
                    // Whether or not the refresh succeeded, the current credential is sent.
                    drop(ready!(Pin::new(refreshing).poll(cx)));
                    let (inner, shared, request) = taken(kept);
                    State::Released {
                        inner,
                        shared,
                        request: Some(request),
                    }
                }
                StateProj::Released {
                    inner,
                    shared,
                    request,
                } => {
                    ready!(inner.poll_ready(cx))?;
                    let mut request = taken(request);
                    let found = shared.credential_for(&mut request);
                    State::send(inner, shared, request, found)
                }
                StateProj::Passed { answer } => return answer.poll(cx),
                StateProj::Sent {
                    answer,
                    again,
                    journey,
                } => {
                    let answer = ready!(answer.poll(cx));
                    let (mut journey, mut again) = (taken(journey), again.take());
                    let saved = again.as_mut().map(|(_, saved)| saved);
                    if !journey.rejects(&answer) {
                        return Poll::Ready(journey.answered(answer, saved));
                    }
                    journey.rejected(saved);
                    let again = again.and_then(|(service, saved)| {
                        Some((service, journey.adapter().pause(saved)?))
                    });
                    State::Rejected {
                        rejected: Some(Rejected {
                            answer,
                            journey,
                            again,
                        }),
                    }
                }
                StateProj::Rejected { rejected } => {
                    let mut rejected = taken(rejected);
                    match rejected.journey.next(resend(rejected.again.as_ref())) {
                        Next::GiveUp(reason) => {
                            let Rejected {
                                answer, journey, ..
                            } = rejected;
                            return Poll::Ready(journey.given_up(answer, reason));
                        }
                        Next::Await(refreshing) => State::Refreshing {
                            refreshing,
                            rejected: Some(rejected),
                        },
                        Next::SendAgain => {
                            let Rejected {
                                answer,
                                journey,
                                again,
                            } = rejected;
                            match restored(&journey, again) {
                                Some((service, request, saved)) => State::Readying {
                                    replay: Some(Replay {
                                        service,
                                        request,
                                        saved,
                                        journey,
                                    }),
                                },
                                // The next look finds that nothing can be sent again.
                                None => State::Rejected {
                                    rejected: Some(Rejected {
                                        answer,
                                        journey,
                                        again: None,
                                    }),
                                },
                            }
                        }
                    }
                }
                StateProj::Refreshing {
                    refreshing,
                    rejected,
                } => {
                    let refreshed = ready!(Pin::new(refreshing).poll(cx));
                    let mut rejected = taken(rejected);
                    if let Err(error) = refreshed {
                        rejected.journey.no_newer(error);
                    }
                    State::Rejected {
                        rejected: Some(rejected),
                    }
                }
                StateProj::Readying { replay } => {
                    if let Some(Replay {
                        service, journey, ..
                    }) = replay
                    {
                        if let Err(error) = ready!(service.poll_ready(cx)) {
                            journey.not_answered("failed");
                            return Poll::Ready(Err(error));
                        }
                    }
                    let Replay {
                        mut service,
                        mut request,
                        saved,
                        mut journey,
                    } = taken(replay);
                    journey.send_again(&mut request, Resend::Possible);
                    let again = saved.map(|saved| (service.clone(), saved));
                    State::Sent {
                        answer: service.call(request),
                        again,
                        journey: Some(journey),
                    }
                }
            };
            state.set(next);
        }
    }
}

/// Returns the service and the request for another attempt, and what is saved for the one after.
fn restored<S, X, Req>(
    journey: &Journey<X>,
    again: Option<(S, X::Saved)>,
) -> Option<(S, X::Sent, Option<X::Saved>)>
where
    X: RequestAdapter<Req>,
{
    let (service, saved) = again?;
    let (request, saved) = match journey.resend_after_next() {
        Resend::Possible => journey.adapter().resend_again(saved)?,
        Resend::Impossible => (journey.adapter().resend(saved)?, None),
    };
    Some((service, request, saved))
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
