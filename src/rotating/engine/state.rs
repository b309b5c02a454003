//! The state of the refresh task: it publishes values and answers those who wait.

use std::mem::take;
use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::command::{Command, CommandKind};
use super::fetch::Found;
use super::guard::Refused;
use super::plan::{NoNewValue, Plan, RoundAfterFailure, Step};
use super::schedule;
use super::schedule::Renewed;
use crate::clock::{Clocks, Draw, Now};
use crate::generation::Generation;
use crate::rotating::error::{RefreshError, RefreshErrorKind};
use crate::rotating::event::EventKind;
use crate::rotating::refreshing::Refreshed;
use crate::rotating::shared::Shared;
use crate::rotating::status::Progress;
use crate::rotating::value::{Content, Deadline, Generations, Health, Replaced, Snapshot};
use crate::source::{FetchReason, RefreshInterval, SourceError};
use crate::telemetry::meter;

type Reply<T, S> = oneshot::Sender<Refreshed<T, S>>;

/// The state of the refresh task, besides the source.
pub(crate) struct EngineState<T, S> {
    shared: Shared<T, S>,
    generations: Arc<dyn Generations<T, S>>,
    plan: Plan,
    clocks: Clocks,
    progress: watch::Sender<Progress>,
    fetches: u64,
    /// Those who wait for the current round to end.
    waiting_for_round: Vec<Reply<T, S>>,
    /// Those for whom the storm guard lets nothing be asked. They wait until the given time for a
    /// value that arrives by itself.
    waiting_for_value: Vec<(Instant, Reply<T, S>)>,
    /// The callers of [`Rotating::refresh`](crate::Rotating::refresh), each with the number of the
    /// fetch that it waits for.
    waiting_for_fetch: Vec<(u64, Reply<T, S>)>,
    /// Replaced contents that readers may still hold. They are freed here, so that no request has
    /// to.
    retired: Vec<Arc<Content<T, S>>>,
}

impl<T, S> Drop for EngineState<T, S> {
    fn drop(&mut self) {
        meter::ended(self.shared.events.name());
    }
}

impl<T, S> EngineState<T, S>
where
    T: PartialEq + Send + Sync + 'static,
    S: Send + Sync + 'static,
{
    pub(crate) const fn new(
        shared: Shared<T, S>,
        generations: Arc<dyn Generations<T, S>>,
        plan: Plan,
        clocks: Clocks,
        progress: watch::Sender<Progress>,
    ) -> Self {
        Self {
            shared,
            generations,
            plan,
            clocks,
            progress,
            fetches: 0,
            waiting_for_round: Vec::new(),
            waiting_for_value: Vec::new(),
            waiting_for_fetch: Vec::new(),
            retired: Vec::new(),
        }
    }

    pub(crate) const fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// Ends what is over, and returns what to do next.
    pub(crate) fn next_step(&mut self) -> Step {
        self.end_waits_if_due();
        let now = self.clocks.now();
        let tidy_at = self.generations.tidy(&self.current().content.state, now);
        match self.plan.next_step(now) {
            Step::SleepUntil(at) => {
                let ends = [self.waits_end(), tidy_at];
                Step::SleepUntil(ends.into_iter().flatten().fold(at, Instant::min))
            }
            step @ Step::Fetch(_) => step,
        }
    }

    fn current(&self) -> arc_swap::Guard<Arc<Snapshot<T, S>>> {
        self.shared.cell.load()
    }

    fn health(&self) -> Health {
        self.generations.health(&self.current().content.state)
    }

    pub(crate) const fn wants_hint(&self) -> bool {
        self.plan.wants_hint()
    }

    pub(crate) const fn set_interval(&mut self, interval: RefreshInterval) {
        self.plan.set_interval(interval);
    }

    pub(crate) fn hint(&mut self) {
        self.plan.hint();
    }

    /// Returns when [`end_waits_if_due`](Self::end_waits_if_due) has something to do.
    pub(crate) fn waits_end(&self) -> Option<Instant> {
        let values = self.waiting_for_value.iter().map(|(until, _)| *until);
        values.chain(self.plan.round_ends()).min()
    }

    /// Ends the round, and the waits for a value, if their time is up.
    pub(crate) fn end_waits_if_due(&mut self) {
        let now = self.clocks.now();
        let until = self.plan.round_until();
        match self.plan.end_round_if_due(self.health(), now) {
            Some(NoNewValue::Refused(Refused::Throttled)) => {
                let until = until.unwrap_or(now.mono);
                let replies = take(&mut self.waiting_for_round).into_iter();
                self.waiting_for_value
                    .extend(replies.map(|reply| (until, reply)));
            }
            Some(ended) => self.answer_round(&Err(ended.into())),
            None => {}
        }
        let (over, waiting): (Vec<_>, Vec<_>) = take(&mut self.waiting_for_value)
            .into_iter()
            .partition(|(until, _)| *until <= now.mono);
        self.waiting_for_value = waiting;
        for (_, reply) in over {
            answer(reply, Err(Refused::Throttled.into()));
        }
    }

    pub(crate) fn handle(&mut self, command: Command<T, S>) {
        let now = self.clocks.now();
        let Command { kind, reply } = command;
        match kind {
            CommandKind::Demand { newer_than, .. } | CommandKind::Join { newer_than }
                if self.current().content.generation != newer_than =>
            {
                answer(reply, Ok(self.shared.cell.load_full()));
            }
            CommandKind::Demand {
                newer_than,
                health,
                wait,
            } => match self.plan.demand(newer_than, health, wait, now) {
                Ok(()) => self.waiting_for_round.push(reply),
                Err(Refused::Throttled) => {
                    let until = now.mono + wait;
                    self.waiting_for_value.push((until, reply));
                }
                Err(refused @ Refused::Cooldown) => answer(reply, Err(refused.into())),
            },
            CommandKind::Join { .. } => {
                if self.plan.round_ends().is_some() {
                    self.waiting_for_round.push(reply);
                } // otherwise the dropped reply ends the wait: no round is under way
            }
            CommandKind::Refresh => match self.plan.request(now) {
                Ok(()) => self.waiting_for_fetch.push((self.fetches + 1, reply)),
                Err(refused) => answer(reply, Err(refused.into())),
            },
        }
    }

    /// Starts a fetch. Returns the time and the current snapshot.
    pub(crate) fn start(&mut self) -> (Now, Arc<Snapshot<T, S>>) {
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
        current: &Arc<Snapshot<T, S>>,
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
                let replaced = Replaced {
                    content: Arc::clone(&current.content),
                    expires: current.expires,
                };
                let generation = replaced.content.generation.next();
                let health = self.generations.health(&replaced.content.state);
                let state = self.generations.next(&replaced, &value, now);
                let published = Ok(self.publish(Snapshot {
                    content: Arc::new(Content {
                        value,
                        generation,
                        obtained: fetched_at,
                        state,
                    }),
                    revision,
                    expires,
                    failing_since: None,
                }));
                self.plan
                    .rotated(replaced.content.generation, health, now, expires, draw);
                self.retired.push(replaced.content);
                self.report(generation, None);
                self.refreshed("rotated");
                let reason = Some(reason);
                self.emit(EventKind::Rotated { generation, reason });
                self.answer_round(&published);
                for (_, reply) in take(&mut self.waiting_for_value) {
                    answer(reply, published.clone());
                }
                self.answer_fetch(&published);
            }
            Ok(Found::Same { revision, expires }) => {
                let renewed = renewed(current.expires, expires, now);
                let published = Ok(self.publish(Snapshot {
                    revision,
                    expires,
                    failing_since: None,
                    ..current.same_content()
                }));
                let ended = self.plan.unchanged(now, renewed, expires, draw);
                self.report(current.content.generation, None);
                self.refreshed("unchanged");
                if let Some(ended) = ended {
                    self.answer_round(&Err(ended.into()));
                }
                self.answer_fetch(&published);
            }
            Err(error) => self.failed(now, current, error, draw),
        }
    }

    /// Ends a fetch that failed: the value stays, with the time of the first failure.
    fn failed(&mut self, now: Now, current: &Snapshot<T, S>, error: SourceError, draw: Draw) {
        self.publish(Snapshot {
            failing_since: current.failing_since.or(Some(now.mono)),
            ..current.same_content()
        });
        let round = self.plan.failed(now, &error, current.expires, draw);
        self.report(current.content.generation, Some(&error));
        let outcome = Some(("outcome", error.kind().as_str()));
        meter::add(meter::REFRESHES, self.shared.events.name(), outcome, 1);
        // Another engine of this name may have ended since.
        self.shared.measure(None);
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

    fn publish(&self, snapshot: Snapshot<T, S>) -> Arc<Snapshot<T, S>> {
        let snapshot = Arc::new(snapshot);
        self.shared.cell.store(Arc::clone(&snapshot));
        snapshot
    }

    fn report(&self, generation: Generation, error: Option<&SourceError>) {
        self.progress.send_replace(Progress {
            generation,
            last_error: error.map(SourceError::kind),
            failures: self.plan.failures(),
            next_attempt: self.plan.due().wall(),
        });
    }

    /// Counts a fetch that succeeded.
    fn refreshed(&self, outcome: &'static str) {
        let name = self.shared.events.name();
        meter::add(meter::REFRESHES, name, Some(("outcome", outcome)), 1);
        self.shared.measure(Some(self.clocks.wall()));
    }

    fn emit(&self, kind: EventKind) {
        self.shared.events.emit_of_engine(kind, self.clocks.wall());
    }

    fn answer_round(&mut self, outcome: &Refreshed<T, S>) {
        for reply in take(&mut self.waiting_for_round) {
            answer(reply, outcome.clone());
        }
    }

    /// Answers the callers of [`Rotating::refresh`](crate::Rotating::refresh) that waited for this
    /// fetch. Those who called while it ran wait for the next.
    fn answer_fetch(&mut self, outcome: &Refreshed<T, S>) {
        let fetches = self.fetches;
        let (served, waiting) = take(&mut self.waiting_for_fetch)
            .into_iter()
            .partition(|(fetch, _)| *fetch <= fetches);
        self.waiting_for_fetch = waiting;
        for (_, reply) in served {
            answer(reply, outcome.clone());
        }
    }

    /// Records the current value, which no fetch has confirmed again.
    pub(crate) fn measure(&self) {
        self.shared.measure(None);
    }

    /// Frees the contents that no reader holds any more, off the runtime, since a large one takes
    /// long.
    pub(crate) fn free_retired(&mut self) {
        // A count of one is final: no published snapshot has the content, so nobody can clone it.
        let is_held = |content: &Arc<Content<T, S>>| Arc::strong_count(content) > 1;
        if self.retired.iter().all(is_held) {
            return;
        }
        let (held, free): (Vec<_>, Vec<_>) = take(&mut self.retired).into_iter().partition(is_held);
        self.retired = held;
        drop(spawn_blocking(move || drop(free)));
    }
}

/// Sends an answer. The receiver may have stopped waiting.
fn answer<T, S>(reply: Reply<T, S>, outcome: Refreshed<T, S>) {
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
            NoNewValue::StillInUse => RefreshErrorKind::StillInUse,
            NoNewValue::Refused(refused) => return refused.into(),
        })
    }
}
