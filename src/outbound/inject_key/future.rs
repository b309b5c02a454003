//! One request's way: sent, perhaps rejected, perhaps sent once more.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::outcome::{NotReplayed, Outcome};
use super::service::{InjectKey, Shared};
use crate::generation::Generation;
use crate::outbound::adapter::{ClassifyRejection, RequestAdapter};
use crate::outbound::credential::Credential;
use crate::outbound::routes::Index;
use crate::rotating::{Current, EventKind, Proven, Refreshing, Rotating};

pin_project! {
    /// The answer to a request, after at most two attempts. Of [`InjectKey`](crate::outbound::InjectKey).
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
        /// The credential was rejected a moment ago: the request waits for a better one, unsent.
        Held { refreshing: Refreshing<Credential>, kept: Option<(InjectKey<S, X>, Req)> },
        /// It has waited. It is sent like any other, once the inner service is ready.
        Released { service: InjectKey<S, X>, request: Option<Req> },
        /// The request does not carry our credential: its answer is none of our business.
        Passed { #[pin] answer: S::Future },
        /// It does.
        Keyed {
            #[pin]
            state: State<S::Future, S, X::Sent, X::Saved, Result<S::Response, S::Error>>,
            attempt: Attempt<X>,
        },
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, S, Sent, Saved, Answer> {
        /// The first attempt is under way; beside it, what it takes to send the request again.
        First { #[pin] answer: F, replay: Option<(S, Saved)> },
        /// It was rejected. The answer is kept until it is known whether there is another key.
        Refreshing { refreshing: Refreshing<Credential>, kept: Option<(Answer, S, Saved)> },
        /// There is. The answer is gone, and with it whatever it held of the inner service, which must
        /// be ready once more.
        Readying { service: S, request: Option<Sent> },
        /// The second attempt is under way.
        Second { #[pin] answer: F },
    }
}

/// What is known of the attempt that is under way.
pub(crate) struct Attempt<X> {
    pub(crate) shared: Arc<Shared<X>>,
    /// Which of the keys.
    pub(crate) index: Index,
    pub(crate) generation: Generation,
    /// What was known of the generation when it was sent.
    pub(crate) proven: Proven,
    /// What was done about the rejection of the attempt before, if this is the second.
    pub(crate) outcome: Option<Outcome>,
}

impl<S, X, Req> ResponseFuture<S, X, Req>
where
    S: Service<X::Sent>,
    X: RequestAdapter<Req>,
{
    pub(crate) const fn held(
        refreshing: Refreshing<Credential>,
        service: InjectKey<S, X>,
        request: Req,
    ) -> Self {
        let kept = Some((service, request));
        let kind = Kind::Held { refreshing, kept };
        Self { kind }
    }

    pub(crate) const fn passed(answer: S::Future) -> Self {
        let kind = Kind::Passed { answer };
        Self { kind }
    }

    pub(crate) const fn keyed(
        answer: S::Future,
        replay: Option<(S, X::Saved)>,
        attempt: Attempt<X>,
    ) -> Self {
        let state = State::First { answer, replay };
        let kind = Kind::Keyed { state, attempt };
        Self { kind }
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
                    // Whatever came of it: what is current by then is sent, and the upstream decides.
                    drop(ready!(Pin::new(refreshing).poll(cx)));
                    let (service, request) = taken(kept);
                    let request = Some(request);
                    Kind::Released { service, request }
                }
                KindProj::Released { service, request } => {
                    ready!(Service::<Req>::poll_ready(service, cx))?;
                    service.send_now(taken(request)).kind
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
                    if !attempt.seam().rejects(&answer) {
                        attempt.report_accepted(&answer);
                        return Poll::Ready(answer);
                    }
                    let refreshing = attempt.instead();
                    let kept = replay.and_then(|(service, saved)| {
                        let saved = attempt.seam().pause(saved)?;
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
                        Err(why) => {
                            let why = NotReplayed::RefreshError(why);
                            return Poll::Ready(attempt.not_replayed(answer, why));
                        }
                    };
                    let Some(mut request) = attempt.seam().resend(saved) else {
                        return Poll::Ready(attempt.not_replayed(answer, NotReplayed::BodyNotKept));
                    };
                    attempt
                        .seam()
                        .set(&mut request, credential.name(), credential.value());
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
                    if attempt.seam().rejects(&answer) {
                        attempt.refresh_unwaited();
                        attempt.emit(EventKind::Rejected {
                            generation: attempt.generation,
                        });
                    } else {
                        attempt.report_accepted(&answer);
                    }
                    return Poll::Ready(attempt.replayed(answer));
                }
            };
            state.set(next);
        }
    }
}

impl<X> Attempt<X> {
    fn seam(&self) -> &X {
        &self.shared.seam
    }

    fn key(&self) -> &Rotating<Credential> {
        self.shared.config.key(self.index)
    }

    /// Asks for a credential to send instead of this attempt's, whether or not anybody waits for it.
    fn instead(&self) -> Refreshing<Credential> {
        self.key().instead_of(self.generation, self.proven)
    }

    /// Has the second attempt's credential refreshed; nobody waits for it.
    fn refresh_unwaited(&self) {
        drop(self.key().refresh_newer_than(self.generation));
    }

    fn replay_with(&mut self, credential: &Current<Credential>) {
        let (rejected, generation) = (self.generation, credential.generation());
        let (event, outcome) = if generation > rejected {
            (
                EventKind::Replayed {
                    rejected,
                    generation,
                },
                Outcome::Replayed {
                    rejected,
                    generation,
                },
            )
        } else {
            (
                EventKind::FellBack {
                    rejected,
                    generation,
                },
                Outcome::FellBack {
                    rejected,
                    generation,
                },
            )
        };
        self.emit(event);
        self.outcome = Some(outcome);
        self.generation = generation;
        self.proven = credential.content().proven();
    }

    /// An answer that shows that the credential was taken proves the generation, if that is not known.
    fn report_accepted<Res, Err>(&self, answer: &Result<Res, Err>)
    where
        X: ClassifyRejection<Res, Err>,
    {
        if self.proven != Proven::Yes && self.seam().accepts(answer) {
            self.key().report_accepted(self.generation);
        }
    }

    fn not_replayed<Res, Err>(
        &self,
        mut answer: Result<Res, Err>,
        why: NotReplayed,
    ) -> Result<Res, Err>
    where
        X: ClassifyRejection<Res, Err>,
    {
        let rejected = self.generation;
        self.emit(EventKind::Rejected {
            generation: rejected,
        });
        if let Ok(response) = &mut answer {
            self.seam()
                .note(response, Outcome::Rejected { rejected, why });
        }
        answer
    }

    fn replayed<Res, Err>(&mut self, mut answer: Result<Res, Err>) -> Result<Res, Err>
    where
        X: ClassifyRejection<Res, Err>,
    {
        if let (Ok(response), Some(outcome)) = (&mut answer, self.outcome.take()) {
            self.seam().note(response, outcome);
        }
        answer
    }

    fn emit(&self, kind: EventKind) {
        self.key().emit(kind);
    }
}

#[expect(
    clippy::expect_used,
    reason = "polling a finished future is the caller's bug"
)]
fn taken<T>(slot: &mut Option<T>) -> T {
    slot.take().expect("polled after it was done")
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
