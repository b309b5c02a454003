//! The plan of the refresh task: what to do next.
//!
//! Every decision is a function of what happened and of `now`.

use std::time::Duration;

use tokio::time::Instant;

use super::guard::{Guard, Limits, Refused};
use super::refresh_ahead::RefreshAhead;
use super::schedule;
use super::schedule::{Backoff, Renewed};
use crate::clock::{Draw, LONGEST_SLEEP, Now};
use crate::generation::Generation;
use crate::rotating::value::{Deadline, Health};
use crate::source::{FetchReason, RefreshInterval, SourceError};

/// How soon a round asks again at first. A hint of the source comes earlier.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// How long a round that may be a false alarm waits for a success before it asks the source. Longer
/// than most round trips, and short beside `force_wait`.
const WATCH: Duration = Duration::from_millis(500);

/// How long demands count as possible false alarms after one that brought nothing.
const WARY_AFTER_NOTHING: Duration = Duration::from_secs(60);

/// How long demands count as possible false alarms after a round that brought a new value: if that
/// one fails at once, too, the values may not be to blame.
const WARY_AFTER_ROTATION: Duration = Duration::from_secs(10);

/// The settings of the refresh task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) interval: RefreshInterval,
    pub(crate) ahead: RefreshAhead,
    pub(crate) backoff: Backoff,
    pub(crate) limits: Limits,
}

/// The plan of the refresh task.
#[derive(Debug)]
pub(crate) struct Plan {
    settings: Settings,
    guard: Guard,
    /// The last generation that reset the guard, because it was settled.
    cleared_for: Option<Generation>,
    last_start: Instant,
    failures: u32,
    due: Deadline,
    hinted: bool,
    requested: bool,
    /// When to ask the source because of a demand. `None` while a fetch runs that started after it.
    retry_at: Option<Instant>,
    round: Option<Round>,
}

/// A round: the current generation has failed, and those who use it wait for the next one.
#[derive(Debug)]
struct Round {
    generation: Generation,
    until: Instant,
    /// Until when the round watches for a success of the same generation. `None` once the source is
    /// asked.
    watch_until: Option<Instant>,
    retry_delay: Duration,
    last_answer: LastAnswer,
    /// Whether the round waits until its end for a value that arrives by itself.
    waits_for_hint: bool,
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
    /// It was a false alarm: the value has succeeded since.
    StillInUse,
    /// The storm guard does not let the source be asked.
    Refused(Refused),
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
        let wait = schedule::after_success(
            settings.interval,
            settings.ahead,
            Renewed::Yes,
            remaining,
            draw,
        );
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

    /// Sets how often the source is asked, from the end of the next fetch on.
    pub(crate) const fn set_interval(&mut self, interval: RefreshInterval) {
        self.settings.interval = interval;
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

    /// Records a demand for a generation newer than the current one, which has failed. After `Ok`
    /// the caller waits for the round to end.
    ///
    /// `health` is that of the generation before that failure, and `wait` is how long the
    /// caller waits.
    pub(crate) fn demand(
        &mut self,
        generation: Generation,
        health: Health,
        wait: Duration,
        now: Now,
    ) -> Result<(), Refused> {
        if self.round.is_some() {
            return Ok(());
        }
        self.clear_if_settled(generation, health, now);
        let mut watch_until = None;
        if health.is_undoubted() {
            self.guard.forgive(generation);
            watch_until = self
                .guard
                .is_wary(now.mono)
                .then(|| now.mono + WATCH.min(wait / 2));
        }
        if watch_until.is_none() {
            self.claim(generation, health, now)?;
            self.retry_at = Some(now.mono);
        }
        self.round = Some(Round {
            waits_for_hint: health.worked_recently(now.mono),
            generation,
            until: now.mono + wait,
            watch_until,
            retry_delay: self.settings.interval.min_interval.max(FIRST_RETRY),
            last_answer: LastAnswer::None,
        });
        Ok(())
    }

    /// Claims a round of fetches.
    fn claim(&mut self, generation: Generation, health: Health, now: Now) -> Result<(), Refused> {
        let claimed = self.guard.claim(generation, health, now.mono);
        claimed.map_err(|refused| match refused {
            // What worked a moment ago was probably replaced, and the source will say so.
            Refused::Cooldown if health.worked_recently(now.mono) => Refused::Throttled,
            refused => refused,
        })
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

    /// Returns when the round ends, or goes on to ask the source.
    pub(crate) fn round_ends(&self) -> Option<Instant> {
        let round = self.round.as_ref()?;
        Some(
            round
                .watch_until
                .map_or(round.until, |watch| watch.min(round.until)),
        )
    }

    /// Returns when those who joined the round stop waiting.
    pub(crate) fn round_until(&self) -> Option<Instant> {
        self.round.as_ref().map(|round| round.until)
    }

    /// Ends the round if its time is up, or if it was a false alarm. `health` is that of the
    /// current generation.
    ///
    /// If no fetch of the round was answered, one that runs goes on, and one that has not started
    /// stays due, for later demands.
    pub(crate) fn end_round_if_due(&mut self, health: Health, now: Now) -> Option<NoNewValue> {
        let round = self.round.as_mut()?;
        if round.watch_until.is_some_and(|until| until <= now.mono) {
            round.watch_until = None;
            let ended = if health.is_undoubted() {
                Some(NoNewValue::StillInUse)
            } else {
                let generation = round.generation;
                let claimed = self.claim(generation, health, now);
                self.retry_at = Some(now.mono).filter(|_| claimed.is_ok());
                claimed.err().map(NoNewValue::Refused)
            };
            if ended.is_some() {
                self.round = None;
                self.guard.be_wary(now.mono + WARY_AFTER_NOTHING);
                return ended;
            }
        }
        let round = self.round.take_if(|round| round.until <= now.mono)?;
        self.guard.be_wary(now.mono + WARY_AFTER_NOTHING);
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
        health: Health,
        now: Now,
        expires: Option<Deadline>,
        draw: Draw,
    ) {
        self.clear_if_settled(replaced, health, now);
        self.retry_at = None;
        if self.round.take().is_some() {
            self.guard.be_wary(now.mono + WARY_AFTER_ROTATION);
        }
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
        if self.retry_at.is_some() || round.watch_until.is_some() {
            return None; // demanded while this fetch ran: the next one is for that
        }
        round.last_answer = LastAnswer::Unchanged;
        let retry_at = now.mono + round.retry_delay;
        if self.guard.is_first_claim() && retry_at < round.until {
            self.retry_at = Some(retry_at);
            round.retry_delay *= 2;
            return None;
        }
        if self.guard.is_first_claim() || round.waits_for_hint {
            return None; // a hint may still come in time
        }
        self.round = None;
        self.guard.be_wary(now.mono + WARY_AFTER_NOTHING);
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
        let watches = |round: &Round| round.watch_until.is_some();
        if self.retry_at.is_some() || self.round.as_ref().is_some_and(watches) {
            return RoundAfterFailure::GoesOn;
        }
        self.round = None;
        RoundAfterFailure::Ended
    }

    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) const fn due(&self) -> Deadline {
        self.due
    }

    /// Resets the guard, once for each generation that was in use for a while.
    ///
    /// One that failed soon resets nothing: if every new value fails soon, the source would be
    /// asked without end.
    fn clear_if_settled(&mut self, generation: Generation, health: Health, now: Now) {
        if health.is_settled(now.mono) && self.cleared_for != Some(generation) {
            self.cleared_for = Some(generation);
            self.guard.clear(now.mono);
        }
    }

    fn succeeded(&mut self, now: Now, renewed: Renewed, expires: Option<Deadline>, draw: Draw) {
        self.failures = 0;
        let remaining = expires.map(|expires| expires.remaining(now));
        let wait = schedule::after_success(
            self.settings.interval,
            self.settings.ahead,
            renewed,
            remaining,
            draw,
        );
        self.due = Deadline::after(now, wait);
    }
}

/// Whether a failed fetch ends the round, or those who wait get another fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoundAfterFailure {
    Ended,
    GoesOn,
}
