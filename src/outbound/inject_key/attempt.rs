//! One attempt at a request: how it is sent, and what its answer says about the credential.

use std::sync::Arc;

use tower_service::Service;

use super::shared::Handle;
use crate::generation::Generation;
use crate::outbound::adapter::{ClassifyRejection, RequestAdapter};
use crate::outbound::config::Found;
use crate::outbound::credential::Credential;
use crate::outbound::outcome::{NotReplayed, Outcome};
use crate::outbound::routes::Index;
use crate::rotating::{Current, EventKind, Proven, Refreshing, Rotating};

/// The current attempt, as far as it concerns the credential.
pub(crate) struct Attempt<X> {
    shared: Arc<Handle<X>>,
    index: Index,
    generation: Generation,
    /// Whether the upstream had accepted the generation when the attempt was sent.
    proven: Proven,
    /// What was done about the rejection of the first attempt, if this is the second.
    outcome: Option<Outcome>,
}

/// A request that has just been sent for the first time.
pub(crate) enum Sent<F, S, X, Saved> {
    /// It carries no credential of ours.
    Passed(F),
    Keyed {
        answer: F,
        /// The inner service and the saved request, if the request can be replayed.
        replay: Option<(S, Saved)>,
        attempt: Attempt<X>,
    },
}

/// Sends the request with the credential that was found for it. The inner service must be ready.
pub(crate) fn send<S, X, Req>(
    inner: &mut S,
    shared: &Arc<Handle<X>>,
    request: Req,
    found: Option<Found>,
) -> Sent<S::Future, S, X, X::Saved>
where
    X: RequestAdapter<Req>,
    S: Service<X::Sent> + Clone,
{
    let adapter = &*shared.adapter;
    let Some((index, credential)) = found else {
        return Sent::Passed(inner.call(adapter.pass(request)));
    };
    let (mut sent, saved) = adapter.save(request);
    adapter.set_header(&mut sent, credential.name(), credential.value());
    let attempt = Attempt {
        shared: Arc::clone(shared),
        index,
        generation: credential.generation(),
        proven: credential.content().proven(),
        outcome: None,
    };
    // Not held while the inner service is called: it borrows one of the few slots of the thread.
    drop(credential);
    // The clone is not ready, and is readied before it is called; the ready instance is called now.
    let replay = saved.map(|saved| (inner.clone(), saved));
    let answer = inner.call(sent);
    Sent::Keyed {
        answer,
        replay,
        attempt,
    }
}

impl<X> Attempt<X> {
    pub(crate) fn adapter(&self) -> &X {
        &self.shared.adapter
    }

    fn key(&self) -> &Rotating<Credential> {
        self.shared.config.key(self.index)
    }

    /// Returns the previous credential at once, or waits for a newer one.
    ///
    /// A refresh, once requested, runs even if nobody waits.
    pub(crate) fn other_credential(&self) -> Refreshing<Credential> {
        self.key()
            .fall_back_or_refresh(self.generation, self.proven)
    }

    /// Makes this the second attempt, with `credential`.
    pub(crate) fn replay_with(&mut self, credential: &Current<Credential>) {
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

    /// Reports to the engine that the upstream accepted the generation, unless it knows already.
    pub(crate) fn report_accepted<Res, Err>(&self, answer: &Result<Res, Err>)
    where
        X: ClassifyRejection<Res, Err>,
    {
        if self.proven != Proven::Yes && self.adapter().accepts(answer) {
            self.key().report_accepted(self.generation);
        }
    }

    /// Ends a first attempt that is not replayed: the caller gets the rejection.
    pub(crate) fn not_replayed<Res, Err>(
        &self,
        mut answer: Result<Res, Err>,
        reason: NotReplayed,
    ) -> Result<Res, Err>
    where
        X: ClassifyRejection<Res, Err>,
    {
        let rejected = self.generation;
        self.emit_rejected();
        if let Ok(response) = &mut answer {
            let outcome = Outcome::Rejected { rejected, reason };
            self.adapter().record_outcome(response, outcome);
        }
        answer
    }

    /// Ends a second attempt.
    pub(crate) fn replayed<Res, Err>(&mut self, mut answer: Result<Res, Err>) -> Result<Res, Err>
    where
        X: ClassifyRejection<Res, Err>,
    {
        if self.adapter().rejects(&answer) {
            // Not awaited: the request is not sent a third time.
            drop(self.key().refresh_newer_than(self.generation));
            self.emit_rejected();
        } else {
            self.report_accepted(&answer);
        }
        if let (Ok(response), Some(outcome)) = (&mut answer, self.outcome.take()) {
            self.adapter().record_outcome(response, outcome);
        }
        answer
    }

    fn emit_rejected(&self) {
        let generation = self.generation;
        self.emit(EventKind::Rejected { generation });
    }

    fn emit(&self, kind: EventKind) {
        self.key().emit(kind);
    }
}
