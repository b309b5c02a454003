//! The state of the refresh task: it publishes values and answers those who wait.

use std::mem::take;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::command::Command;
use super::fetch::Found;
use super::guard::Refused;
use super::plan::{NoNewValue, Plan, RoundAfterFailure, Step};
use super::schedule;
use super::schedule::Renewed;
use crate::clock::Clocks;
use crate::clock::Draw;
use crate::clock::Now;
use crate::generation::Generation;
use crate::rotating::error::{RefreshError, RefreshErrorKind};
use crate::rotating::event::EventKind;
use crate::rotating::refreshing::Refreshed;
use crate::rotating::shared::Shared;
use crate::rotating::status::Progress;
use crate::rotating::value::{Content, Deadline, Previous, Snapshot};
use crate::source::{FetchReason, SourceError};

type Reply<T> = oneshot::Sender<Refreshed<T>>;

/// The state of the refresh task, besides the source.
pub(crate) struct EngineState<T> {
    shared: Shared<T>,
    plan: Plan,
    clocks: Clocks,
    progress: watch::Sender<Progress>,
    fetches: u64,
    /// The rejected and held requests that wait for the current round to end.
    waiting_for_round: Vec<Reply<T>>,
    /// The callers of [`Rotating::refresh`](crate::Rotating::refresh), each with the number of the
    /// fetch that it waits for.
    waiting_for_fetch: Vec<(u64, Reply<T>)>,
    /// Replaced contents that readers may still hold. They are freed here, so that no request has
    /// to.
    retired: Vec<Arc<Content<T>>>,
}

impl<T: PartialEq + Send + Sync + 'static> EngineState<T> {
    pub(crate) const fn new(
        shared: Shared<T>,
        plan: Plan,
        clocks: Clocks,
        progress: watch::Sender<Progress>,
    ) -> Self {
        Self {
            shared,
            plan,
            clocks,
            progress,
            fetches: 0,
            waiting_for_round: Vec::new(),
            waiting_for_fetch: Vec::new(),
            retired: Vec::new(),
        }
    }

    pub(crate) const fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// Ends a round and an overlap whose time is up, and returns what to do next.
    pub(crate) fn next_step(&mut self) -> Step {
        self.end_round_if_due();
        let overlap_ends = self.end_overlap_if_due();
        match self.plan.next_step(self.clocks.now()) {
            Step::SleepUntil(at) => {
                let ends = [self.plan.round_ends(), overlap_ends];
                Step::SleepUntil(ends.into_iter().flatten().fold(at, Instant::min))
            }
            step @ Step::Fetch(_) => step,
        }
    }

    /// Drops the previous value if it is no longer usable; otherwise returns when that will be.
    fn end_overlap_if_due(&self) -> Option<Instant> {
        let current = self.shared.cell.load();
        let previous = current.previous.as_ref()?;
        if previous.is_usable(self.clocks.now()) {
            return Some(previous.until().mono);
        }
        drop(self.publish(Snapshot {
            previous: None,
            ..current.same_content()
        }));
        None
    }

    pub(crate) const fn wants_hint(&self) -> bool {
        self.plan.wants_hint()
    }

    pub(crate) fn hint(&mut self) {
        self.plan.hint();
    }

    pub(crate) fn round_ends(&self) -> Option<Instant> {
        self.plan.round_ends()
    }

    pub(crate) fn end_round_if_due(&mut self) {
        if let Some(ended) = self.plan.end_round_if_due(self.clocks.now()) {
            self.answer_round(&Err(ended.into()));
        }
    }

    pub(crate) fn handle(&mut self, command: Command<T>) {
        let now = self.clocks.now();
        match command {
            Command::Rejected { generation, reply } => {
                let current = self.shared.cell.load_full();
                if current.content.generation != generation {
                    answer(reply, Ok(current));
                    return;
                }
                match self.plan.reject(generation, current.content.proven(), now) {
                    Ok(()) => self.waiting_for_round.push(reply),
                    Err(refused) => answer(reply, Err(refused.into())),
                }
            }
            Command::Join { generation, reply } => {
                let current = self.shared.cell.load_full();
                if current.content.generation != generation {
                    answer(reply, Ok(current));
                } else if self.plan.round_ends().is_some() {
                    self.waiting_for_round.push(reply);
                } // otherwise the dropped reply ends the wait: no round is under way
            }
            Command::Refresh { reply } => match self.plan.request(now) {
                Ok(()) => self.waiting_for_fetch.push((self.fetches + 1, reply)),
                Err(refused) => answer(reply, Err(refused.into())),
            },
        }
    }

    /// Starts a fetch. Returns the time and the current snapshot.
    pub(crate) fn start(&mut self) -> (Now, Arc<Snapshot<T>>) {
        let now = self.clocks.now();
        self.fetches += 1;
        self.plan.start(now);
        (now, self.shared.cell.load_full())
    }

    /// Ends a fetch. It publishes first and answers second, so that whoever gets an answer finds
    /// the new value current.
    pub(crate) fn finish(
        &mut self,
        reason: FetchReason,
        fetched_at: Now,
        current: &Arc<Snapshot<T>>,
        outcome: Result<Found<T>, SourceError>,
    ) {
        let now = self.clocks.now();
        let draw = Clocks::draw();
        match outcome {
            Ok(Found::New {
                value,
                revision,
                expires,
            }) => {
                let replaced = &current.content;
                let generation = replaced.generation.next();
                let proven = replaced.proven();
                self.retired.push(Arc::clone(&current.content));
                let previous = Previous::after(current, &value, self.plan.overlap(), now);
                let published = self.publish(Snapshot {
                    content: Arc::new(Content::new(value, generation, fetched_at)),
                    revision,
                    expires,
                    failing_since: None,
                    previous,
                });
                self.plan
                    .rotated(replaced.generation, proven, now, expires, draw);
                self.report(generation, None);
                let reason = Some(reason);
                self.emit(EventKind::Rotated { generation, reason });
                self.answer_round(&published);
                self.answer_fetch(&published);
            }
            Ok(Found::Same { revision, expires }) => {
                let renewed = renewed(current.expires, expires, now);
                let published = self.publish(Snapshot {
                    revision,
                    expires,
                    failing_since: None,
                    ..current.same_content()
                });
                let ended = self.plan.unchanged(now, renewed, expires, draw);
                self.report(current.content.generation, None);
                if let Some(ended) = ended {
                    self.answer_round(&Err(ended.into()));
                }
                self.answer_fetch(&published);
            }
            Err(error) => self.failed(now, current, error, draw),
        }
    }

    /// Ends a fetch that failed: the value stays, with the time of the first failure.
    fn failed(&mut self, now: Now, current: &Snapshot<T>, error: SourceError, draw: Draw) {
        drop(self.publish(Snapshot {
            failing_since: current.failing_since.or(Some(now.mono)),
            ..current.same_content()
        }));
        let round = self.plan.failed(now, &error, current.expires, draw);
        self.report(current.content.generation, Some(&error));
        self.emit(EventKind::RefreshFailed {
            kind: error.kind(),
            failures: self.plan.failures(),
            next_attempt: self.plan.due().remaining(now),
        });
        tracing::warn!(
            name = &**self.shared.events.name(),
            error = &error as &dyn std::error::Error,
            "the source failed"
        );
        let failed = Err(RefreshError::failed(error));
        if round == RoundAfterFailure::Ended {
            self.answer_round(&failed);
        }
        self.answer_fetch(&failed);
    }

    fn publish(&self, snapshot: Snapshot<T>) -> Refreshed<T> {
        let snapshot = Arc::new(snapshot);
        self.shared.cell.store(Arc::clone(&snapshot));
        Ok(snapshot)
    }

    fn report(&self, generation: Generation, error: Option<&SourceError>) {
        self.progress.send_replace(Progress {
            generation,
            last_error: error.map(SourceError::kind),
            failures: self.plan.failures(),
            next_attempt: self.plan.due().wall(),
        });
    }

    fn emit(&self, kind: EventKind) {
        self.shared.events.emit(kind, self.clocks.wall());
    }

    fn answer_round(&mut self, outcome: &Refreshed<T>) {
        for reply in take(&mut self.waiting_for_round) {
            answer(reply, outcome.clone());
        }
    }

    /// Answers the callers of [`Rotating::refresh`](crate::Rotating::refresh) that waited for this
    /// fetch. Those who called while it ran wait for the next.
    fn answer_fetch(&mut self, outcome: &Refreshed<T>) {
        let fetches = self.fetches;
        let (served, waiting) = take(&mut self.waiting_for_fetch)
            .into_iter()
            .partition(|(fetch, _)| *fetch <= fetches);
        self.waiting_for_fetch = waiting;
        for (_, reply) in served {
            answer(reply, outcome.clone());
        }
    }

    /// Frees the contents that no reader holds any more, off the runtime, since a large one takes
    /// long.
    pub(crate) fn free_retired(&mut self) {
        // A count of one is final: no published snapshot has the content, so nobody can clone it.
        let is_held = |content: &Arc<Content<T>>| Arc::strong_count(content) > 1;
        if self.retired.iter().all(is_held) {
            return;
        }
        let (held, free): (Vec<_>, Vec<_>) = take(&mut self.retired).into_iter().partition(is_held);
        self.retired = held;
        drop(spawn_blocking(move || drop(free)));
    }
}

/// Sends an answer. The receiver may have stopped waiting.
fn answer<T>(reply: Reply<T>, outcome: Refreshed<T>) {
    drop(reply.send(outcome));
}

/// Returns whether the expiry of an unchanged value is later than before.
fn renewed(old: Option<Deadline>, new: Option<Deadline>, now: Now) -> Renewed {
    match (old, new) {
        (Some(old), Some(new)) if schedule::extends(old.remaining(now), new.remaining(now)) => {
            Renewed::Yes
        }
        (None, Some(_)) => Renewed::Yes,
        _ => Renewed::No,
    }
}

impl From<Refused> for RefreshError {
    fn from(refused: Refused) -> Self {
        Self::new(match refused {
            Refused::Cooldown => RefreshErrorKind::Cooldown,
            Refused::Throttled => RefreshErrorKind::Throttled,
        })
    }
}

impl From<NoNewValue> for RefreshError {
    fn from(ended: NoNewValue) -> Self {
        Self::new(match ended {
            NoNewValue::Unchanged => RefreshErrorKind::Unchanged,
            NoNewValue::TimedOut => RefreshErrorKind::TimedOut,
        })
    }
}
