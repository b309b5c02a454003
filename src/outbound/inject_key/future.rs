//! The response future of [`InjectKey`](crate::outbound::InjectKey): one request, sent as often as
//! the upstream's answers make it worth while.

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::attempts::{Next, RequestAttempts};
use super::shared::Handle;
use crate::completion::{polled_after_completion, present, taken};
use crate::outbound::adapter::{ClassifyRejection, RequestAdapter};
use crate::outbound::config::SelectedKey;
use crate::outbound::credential::Credential;
use crate::outbound::evidence::{Evidence, Resend};
use crate::outbound::outcome::ReplayOutcome;
use crate::rotating::{RefreshError, Refreshing};

pin_project! {
    /// The response future of [`InjectKey`](crate::outbound::InjectKey).
    ///
    /// It resolves to the answer to the last attempt at the request.
    ///
    /// # Panics
    ///
    /// Panics if it is polled after its completion.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, X, Req>
    where
        S: Service<X::Sent>,
        X: RequestAdapter<Req>,
    {
        #[pin]
        state: State<S, X, Req>,
    }
}

pin_project! {
    // What a state owns is an `Option`, since the next state takes it.
    #[project = StateProj]
    enum State<S, X, Req>
    where
        S: Service<X::Sent>,
        X: RequestAdapter<Req>,
    {
        /// The credential was rejected a moment ago. The request waits for the refresh, unsent.
        Held {
            refreshing: Refreshing<Credential, Evidence>,
            unsent: Option<Unsent<S, X, Req>>,
        },
        /// The refresh has ended. The request is sent as soon as the inner service is ready.
        Released { unsent: Option<Unsent<S, X, Req>> },
        /// The request carries no credential of ours, so its answer is passed on unseen.
        Passed { #[pin] answer: S::Future },
        /// An attempt is under way.
        Sent { #[pin] answer: S::Future, call: Option<Call<S, X, X::Saved>> },
        /// The upstream rejected the attempt. Its future is dropped before the request is sent
        /// again. Its answer is kept in case there is no other credential.
        Rejected { rejected: Option<Rejected<S, X, X::Saved, Answer<S, X::Sent>>> },
        /// A newer credential may come.
        Refreshing {
            refreshing: Refreshing<Credential, Evidence>,
            rejected: Option<Rejected<S, X, X::Saved, Answer<S, X::Sent>>>,
        },
        /// There is another credential. The answer is dropped, and with it what it held of the
        /// inner service, which must become ready again.
        Readying { replay: Option<Replay<S, X, X::Sent, X::Saved>> },
        /// The caller has the answer.
        Done,
    }
}

/// What the inner service answers to a request.
type Answer<S, Sent> = Result<<S as Service<Sent>>::Response, <S as Service<Sent>>::Error>;

/// What follows a poll: the next state, or the answer for the caller.
type Step<S, X, Req> = ControlFlow<Answer<S, <X as RequestAdapter<Req>>::Sent>, State<S, X, Req>>;

/// A request that was not sent yet. The inner service is not ready.
struct Unsent<S, X, Req> {
    inner: S,
    shared: Arc<Handle<X>>,
    request: Req,
}

/// A call of the inner service.
struct Call<S, X, Saved> {
    attempts: RequestAttempts<X>,
    /// What another call needs, if the request can be sent again.
    again: Option<Again<S, Saved>>,
}

/// A clone of the inner service, not ready yet, and what was saved of the request.
struct Again<S, Saved> {
    service: S,
    saved: Saved,
}

/// A call that the upstream rejected.
struct Rejected<S, X, Saved, Answer> {
    answer: Answer,
    call: Call<S, X, Saved>,
}

/// A request that waits to be sent again.
struct Replay<S, X, Sent, Saved> {
    service: S,
    request: Sent,
    saved: Option<Saved>,
    attempts: RequestAttempts<X>,
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
        let unsent = Some(Unsent {
            inner,
            shared,
            request,
        });
        let state = State::Held { refreshing, unsent };
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
        selected: Option<SelectedKey>,
    ) -> Self {
        let state = State::send(inner, shared, request, selected);
        Self { state }
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
            let step = match state.as_mut().project() {
                StateProj::Held { refreshing, unsent } => {
                    // Whether or not the refresh succeeded, the current credential is sent.
                    drop(ready!(Pin::new(refreshing).poll(cx)));
                    let unsent = unsent.take();
                    ControlFlow::Continue(State::Released { unsent })
                }
                StateProj::Released { unsent } => {
                    let ready = ready!(present(unsent).inner.poll_ready(cx));
                    State::released(taken(unsent), ready)
                }
                StateProj::Passed { answer } => ControlFlow::Break(ready!(answer.poll(cx))),
                StateProj::Sent { answer, call } => {
                    let answer = ready!(answer.poll(cx));
                    State::answered(taken(call), answer)
                }
                StateProj::Rejected { rejected } => State::after_rejection(taken(rejected)),
                StateProj::Refreshing {
                    refreshing,
                    rejected,
                } => {
                    let refreshed = ready!(Pin::new(refreshing).poll(cx));
                    State::refreshed(taken(rejected), refreshed.err())
                }
                StateProj::Readying { replay } => {
                    let ready = ready!(present(replay).service.poll_ready(cx));
                    State::resend(taken(replay), ready)
                }
                StateProj::Done => polled_after_completion(),
            };
            match step {
                ControlFlow::Continue(next) => state.set(next),
                ControlFlow::Break(answer) => {
                    state.set(State::Done);
                    return Poll::Ready(answer);
                }
            }
        }
    }
}

impl<S, X, Req> State<S, X, Req>
where
    S: Service<X::Sent> + Clone,
    X: RequestAdapter<Req>,
{
    /// Sends the request for the first time.
    fn send(
        inner: &mut S,
        shared: &Arc<Handle<X>>,
        request: Req,
        selected: Option<SelectedKey>,
    ) -> Self {
        let Some(selected) = selected else {
            let request = shared.adapter.pass(request);
            return Self::Passed {
                answer: inner.call(request),
            };
        };
        let (mut sent, kept) = shared.adapter.save(request);
        let (attempts, saved) = RequestAttempts::start(shared, selected, &mut sent, kept);
        Self::call(inner, sent, saved, attempts)
    }

    /// Calls the ready instance of the inner service. Its clone is not ready, and is readied before
    /// it is called.
    fn call(
        inner: &mut S,
        request: X::Sent,
        saved: Option<X::Saved>,
        attempts: RequestAttempts<X>,
    ) -> Self {
        let again = saved.map(|saved| Again {
            service: inner.clone(),
            saved,
        });
        Self::Sent {
            answer: inner.call(request),
            call: Some(Call { attempts, again }),
        }
    }

    /// Sends a request that was held, with the credential that is current by now.
    fn released(unsent: Unsent<S, X, Req>, ready: Result<(), S::Error>) -> Step<S, X, Req> {
        if let Err(error) = ready {
            return ControlFlow::Break(Err(error));
        }
        let Unsent {
            mut inner,
            shared,
            mut request,
        } = unsent;
        let selected = shared.credential_for(&mut request);
        ControlFlow::Continue(Self::send(&mut inner, &shared, request, selected))
    }

    /// Sends the request again.
    fn resend(
        replay: Replay<S, X, X::Sent, X::Saved>,
        ready: Result<(), S::Error>,
    ) -> Step<S, X, Req> {
        let Replay {
            mut service,
            mut request,
            saved,
            mut attempts,
        } = replay;
        if let Err(error) = ready {
            attempts.not_answered(ReplayOutcome::Failed);
            return ControlFlow::Break(Err(error));
        }
        attempts.send_again(&mut request, Resend::Possible);
        ControlFlow::Continue(Self::call(&mut service, request, saved, attempts))
    }
}

impl<S, X, Req> State<S, X, Req>
where
    X: RequestAdapter<Req> + ClassifyRejection<S::Response, S::Error>,
    S: Service<X::Sent> + Clone,
{
    /// Returns an answer to the caller, or keeps it if it is a rejection.
    fn answered(call: Call<S, X, X::Saved>, answer: Answer<S, X::Sent>) -> Step<S, X, Req> {
        let Call {
            mut attempts,
            mut again,
        } = call;
        let saved = again.as_mut().map(|again| &mut again.saved);
        if !attempts.rejects(&answer) {
            return ControlFlow::Break(attempts.answered(answer, saved));
        }
        attempts.rejected(saved);
        let again = again.and_then(|again| again.paused(attempts.adapter()));
        let call = Call { attempts, again };
        ControlFlow::Continue(Self::Rejected {
            rejected: Some(Rejected { answer, call }),
        })
    }

    /// Continues after a refresh, which may have failed.
    fn refreshed(
        mut rejected: Rejected<S, X, X::Saved, Answer<S, X::Sent>>,
        error: Option<RefreshError>,
    ) -> Step<S, X, Req> {
        if let Some(error) = error {
            rejected.call.attempts.no_newer(error);
        }
        Self::after_rejection(rejected)
    }

    /// Decides what follows a rejection.
    fn after_rejection(
        mut rejected: Rejected<S, X, X::Saved, Answer<S, X::Sent>>,
    ) -> Step<S, X, Req> {
        let again = resend(rejected.call.again.as_ref());
        match rejected.call.attempts.next(again) {
            Next::SendAgain => Self::restored(rejected),
            Next::Await(refreshing) => ControlFlow::Continue(Self::Refreshing {
                refreshing,
                rejected: Some(rejected),
            }),
            Next::GiveUp(reason) => {
                let Rejected { answer, call } = rejected;
                ControlFlow::Break(call.attempts.given_up(answer, reason))
            }
        }
    }

    /// Restores the request for another attempt. If that is too late, the caller gets the
    /// rejection.
    fn restored(rejected: Rejected<S, X, X::Saved, Answer<S, X::Sent>>) -> Step<S, X, Req> {
        let Rejected { answer, call } = rejected;
        let Call {
            mut attempts,
            again,
        } = call;
        match again.and_then(|again| again.restored(&attempts)) {
            Some((service, request, saved)) => ControlFlow::Continue(Self::Readying {
                replay: Some(Replay {
                    service,
                    request,
                    saved,
                    attempts,
                }),
            }),
            None => {
                let reason = attempts.give_up(Resend::Impossible);
                ControlFlow::Break(attempts.given_up(answer, reason))
            }
        }
    }
}

impl<S, Saved> Again<S, Saved> {
    /// Pauses the rejected attempt, until it is known whether the request is sent again.
    fn paused<X, Req>(self, adapter: &X) -> Option<Self>
    where
        X: RequestAdapter<Req, Saved = Saved>,
    {
        let saved = adapter.pause(self.saved)?;
        Some(Self { saved, ..self })
    }

    /// Returns the service and the request for another attempt, and what is saved for the one
    /// after.
    fn restored<X, Req>(self, attempts: &RequestAttempts<X>) -> Option<(S, X::Sent, Option<Saved>)>
    where
        X: RequestAdapter<Req, Saved = Saved>,
    {
        let (request, saved) = match attempts.resend_after_next() {
            Resend::Possible => attempts.adapter().resend_again(self.saved)?,
            Resend::Impossible => (attempts.adapter().resend(self.saved)?, None),
        };
        Some((self.service, request, saved))
    }
}

const fn resend<T>(again: Option<&T>) -> Resend {
    match again {
        Some(_) => Resend::Possible,
        None => Resend::Impossible,
    }
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
