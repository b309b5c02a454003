//! The plan of the refresh task: what to do next.
//!
//! Every decision is a function of what happened and of `now`.

use std::time::Duration;

use tokio::time::Instant;

use super::guard::{Guard, Limits, Refused};
use super::schedule;
use super::schedule::{Backoff, Renewed};
use crate::clock::Draw;
use crate::clock::{LONGEST_SLEEP, Now};
use crate::generation::Generation;
use crate::rotating::value::{Deadline, Proven};
use crate::source::{FetchReason, RefreshInterval, SourceError};

/// How soon a round asks again at first. A hint of the source comes earlier.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// The settings of the refresh task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) interval: RefreshInterval,
    pub(crate) backoff: Backoff,
    pub(crate) limits: Limits,
    /// How long a round lasts, and so how long rejected or held requests may wait for a new value.
    pub(crate) force_wait: Duration,
    /// How long requests may fall back to a value that was replaced.
    pub(crate) overlap: Duration,
}

/// The plan of the refresh task.
#[derive(Debug)]
pub(crate) struct Plan {
    settings: Settings,
    guard: Guard,
    /// The last generation whose acceptance reset the guard.
    cleared_for: Option<Generation>,
    last_start: Instant,
    failures: u32,
    due: Deadline,
    hinted: bool,
    requested: bool,
    /// When to ask the source because of a rejection. `None` while a fetch runs that started after
    /// it.
    retry_at: Option<Instant>,
    round: Option<Round>,
}

/// A round: the current generation was rejected, and requests wait for the next one.
#[derive(Debug)]
struct Round {
    until: Instant,
    retry_delay: Duration,
    last_answer: LastAnswer,
}

/// What the source last answered to a fetch of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastAnswer {
    /// No fetch of the round has been answered: none has started, or one is still running.
    None,
    /// The source still had the same value.
    Unchanged,
}

/// The next step of the refresh task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Fetch(FetchReason),
    SleepUntil(Instant),
}

/// How a round ended without a new generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoNewValue {
    Unchanged,
    TimedOut,
}

impl Plan {
    /// Creates the plan after a first value, which was asked for at `fetched_at`.
    pub(crate) fn new(
        settings: Settings,
        fetched_at: Now,
        now: Now,
        expires: Option<Deadline>,
        draw: Draw,
    ) -> Self {
        let remaining = expires.map(|expires| expires.remaining(now));
        let wait = schedule::after_success(settings.interval, Renewed::Yes, remaining, draw);
        Self {
            settings,
            guard: Guard::new(settings.limits, now.mono),
            cleared_for: None,
            last_start: fetched_at.mono,
            failures: 0,
            due: Deadline::after(now, wait),
            hinted: false,
            requested: false,
            retry_at: None,
            round: None,
        }
    }

    /// Records that the source's value may have changed. This ends a failure backoff, too.
    pub(crate) fn hint(&mut self) {
        self.hinted = true;
    }

    /// Returns whether another hint would change anything.
    pub(crate) const fn wants_hint(&self) -> bool {
        !self.hinted
    }

    /// Records that the program called [`Rotating::refresh`](crate::Rotating::refresh).
    ///
    /// The token bucket and `min_interval` limit it; the cooldown does not.
    pub(crate) fn request(&mut self, now: Now) -> Result<(), Refused> {
        if !self.requested {
            self.guard.take(now.mono)?;
            self.requested = true;
        }
        Ok(())
    }

    /// Records that the current generation was rejected. After `Ok` the caller waits for the round
    /// to end.
    pub(crate) fn reject(
        &mut self,
        generation: Generation,
        proven: Proven,
        now: Now,
    ) -> Result<(), Refused> {
        if self.round.is_some() {
            return Ok(());
        }
        self.clear_if_proven(generation, proven, now);
        self.guard.claim(generation, proven, now.mono)?;
        self.retry_at = Some(now.mono);
        self.round = Some(Round {
            until: now.mono + self.settings.force_wait,
            retry_delay: self.settings.interval.min_interval.max(FIRST_RETRY),
            last_answer: LastAnswer::None,
        });
        Ok(())
    }

    /// Returns what to do at `now`.
    pub(crate) fn next_step(&self, now: Now) -> Step {
        let allowed = self.last_start + self.settings.interval.min_interval;
        let due = if self.due.passed(now) {
            now.mono
        } else {
            self.due.mono
        };
        let candidates = [
            (self.retry_at, FetchReason::Rejected),
            (self.requested.then_some(now.mono), FetchReason::Requested),
            (self.hinted.then_some(now.mono), FetchReason::Changed),
            (Some(due), FetchReason::Scheduled),
        ];
        let times = candidates
            .into_iter()
            .filter_map(|(at, reason)| Some((at?.max(allowed), reason)));
        match times.min_by_key(|(at, _)| (*at).max(now.mono)) {
            Some((at, reason)) if at <= now.mono => Step::Fetch(reason),
            Some((at, _)) => Step::SleepUntil(at.min(now.mono + LONGEST_SLEEP)),
            None => Step::SleepUntil(now.mono + LONGEST_SLEEP),
        }
    }

    /// Returns when the round ends without a new value.
    pub(crate) fn round_ends(&self) -> Option<Instant> {
        self.round.as_ref().map(|round| round.until)
    }

    /// Ends the round if its time is up.
    ///
    /// If no fetch of the round was answered, one that runs goes on, and one that has not started
    /// stays due, for later requests.
    pub(crate) fn end_round_if_due(&mut self, now: Now) -> Option<NoNewValue> {
        let round = self.round.take_if(|round| round.until <= now.mono)?;
        Some(match round.last_answer {
            LastAnswer::None => NoNewValue::TimedOut,
            LastAnswer::Unchanged => {
                self.retry_at = None;
                NoNewValue::Unchanged
            }
        })
    }

    /// Records that a fetch starts.
    pub(crate) fn start(&mut self, now: Now) {
        self.last_start = now.mono;
        self.hinted = false;
        self.requested = false;
        self.retry_at = None;
    }

    /// Records that a fetch brought a new generation. This ends the round.
    pub(crate) fn rotated(
        &mut self,
        replaced: Generation,
        proven: Proven,
        now: Now,
        expires: Option<Deadline>,
        draw: Draw,
    ) {
        self.clear_if_proven(replaced, proven, now);
        self.retry_at = None;
        self.round = None;
        self.succeeded(now, Renewed::Yes, expires, draw);
    }

    /// Records that a fetch found the same content. `Some` ends the round.
    pub(crate) fn unchanged(
        &mut self,
        now: Now,
        renewed: Renewed,
        expires: Option<Deadline>,
        draw: Draw,
    ) -> Option<NoNewValue> {
        self.succeeded(now, renewed, expires, draw);
        let round = self.round.as_mut()?;
        if self.retry_at.is_some() {
            return None; // rejected while this fetch ran: the next one is for that
        }
        round.last_answer = LastAnswer::Unchanged;
        let retry_at = now.mono + round.retry_delay;
        if self.guard.is_first_claim() && retry_at < round.until {
            self.retry_at = Some(retry_at);
            round.retry_delay *= 2;
            return None;
        }
        if self.guard.is_first_claim() {
            return None; // a hint may still come in time
        }
        self.round = None;
        Some(NoNewValue::Unchanged)
    }

    /// Records that a fetch failed. Returns whether the round ends with it.
    pub(crate) fn failed(
        &mut self,
        now: Now,
        error: &SourceError,
        expires: Option<Deadline>,
        draw: Draw,
    ) -> RoundAfterFailure {
        self.failures = self.failures.saturating_add(1);
        let remaining = expires.map(|expires| expires.remaining(now));
        let Settings {
            interval, backoff, ..
        } = self.settings;
        let wait =
            schedule::after_failure(backoff, interval, self.failures, error, remaining, draw);
        self.due = Deadline::after(now, wait);
        if self.retry_at.is_some() {
            return RoundAfterFailure::GoesOn;
        }
        self.round = None;
        RoundAfterFailure::Ended
    }

    pub(crate) const fn overlap(&self) -> Duration {
        self.settings.overlap
    }

    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) const fn due(&self) -> Deadline {
        self.due
    }

    /// Resets the guard, once for each generation that the upstream has accepted.
    fn clear_if_proven(&mut self, generation: Generation, proven: Proven, now: Now) {
        if proven != Proven::No && self.cleared_for != Some(generation) {
            self.cleared_for = Some(generation);
            self.guard.clear(now.mono);
        }
    }

    fn succeeded(&mut self, now: Now, renewed: Renewed, expires: Option<Deadline>, draw: Draw) {
        self.failures = 0;
        let remaining = expires.map(|expires| expires.remaining(now));
        let wait = schedule::after_success(self.settings.interval, renewed, remaining, draw);
        self.due = Deadline::after(now, wait);
    }
}

/// Whether a failed fetch ends the round, or those who wait get another fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoundAfterFailure {
    Ended,
    GoesOn,
}
