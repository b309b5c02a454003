//! What the refresh task does next. Every decision is a function of what happened and of `now`.

use std::time::Duration;

use tokio::time::Instant;

use super::guard::{Guard, Limits, Refused};
use super::schedule;
use super::schedule::{Backoff, Moved};
use crate::clock::Draw;
use crate::clock::{LONGEST_SLEEP, Now};
use crate::generation::Generation;
use crate::rotating::deadline::Deadline;
use crate::rotating::value::Proven;
use crate::source::{FetchReason, RefreshInterval, SourceError};

/// How soon a round asks again, at first. A source that tells of its changes is asked when it does.
const FIRST_LOOK: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) pace: RefreshInterval,
    pub(crate) backoff: Backoff,
    pub(crate) limits: Limits,
    /// How long a rejected request may wait for a new value.
    pub(crate) force_wait: Duration,
    /// How long a request may go back to a value that was replaced.
    pub(crate) overlap: Duration,
}

/// What the refresh task knows besides the value.
#[derive(Debug)]
pub(crate) struct Plan {
    settings: Settings,
    guard: Guard,
    /// The last generation whose proof cleared the guard.
    cleared_for: Option<Generation>,
    last_start: Instant,
    failures: u32,
    due: Deadline,
    hinted: bool,
    requested: bool,
    /// When to ask the source (again) because of a rejection; none while an attempt runs that started after it.
    look_at: Option<Instant>,
    round: Option<Round>,
}

/// The current generation was rejected, and requests wait for the next one.
#[derive(Debug)]
struct Round {
    until: Instant,
    next_look: Duration,
    asked: Asked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    NotYet,
    Unchanged,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Ask(FetchReason),
    SleepUntil(Instant),
}

/// How a round ended without a new generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InVain {
    Unchanged,
    TimedOut,
}

impl Plan {
    /// The plan after a first value, asked for at `asked`.
    pub(crate) fn new(
        settings: Settings,
        asked: Now,
        now: Now,
        expires: Option<Deadline>,
        draw: Draw,
    ) -> Self {
        let remaining = expires.map(|expires| expires.remaining(now));
        let wait = schedule::after_success(settings.pace, Moved::Yes, remaining, draw);
        Self {
            settings,
            guard: Guard::new(settings.limits, now.mono),
            cleared_for: None,
            last_start: asked.mono,
            failures: 0,
            due: Deadline::after(now, wait),
            hinted: false,
            requested: false,
            look_at: None,
            round: None,
        }
    }

    /// The source says that its value may have changed. Good news ends a failure backoff, too.
    pub(crate) fn hint(&mut self) {
        self.hinted = true;
    }

    /// Whether another hint would tell anything new.
    pub(crate) const fn wants_hint(&self) -> bool {
        !self.hinted
    }

    /// An operator asks for a refresh: held back by the bucket alone.
    pub(crate) fn request(&mut self, now: Now) -> Result<(), Refused> {
        if !self.requested {
            self.guard.take(now.mono)?;
            self.requested = true;
        }
        Ok(())
    }

    /// The current generation was rejected. `Ok`: wait for the round to end.
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
        self.look_at = Some(now.mono);
        self.round = Some(Round {
            until: now.mono + self.settings.force_wait,
            next_look: self.settings.pace.min_interval.max(FIRST_LOOK),
            asked: Asked::NotYet,
        });
        Ok(())
    }

    pub(crate) fn next_step(&self, now: Now) -> Step {
        let allowed = self.last_start + self.settings.pace.min_interval;
        let due = if self.due.passed(now) {
            now.mono
        } else {
            self.due.mono
        };
        let wishes = [
            (self.look_at, FetchReason::Rejected),
            (self.requested.then_some(now.mono), FetchReason::Requested),
            (self.hinted.then_some(now.mono), FetchReason::Changed),
            (Some(due), FetchReason::Scheduled),
        ];
        let times = wishes
            .into_iter()
            .filter_map(|(at, reason)| Some((at?.max(allowed), reason)));
        match times.min_by_key(|(at, _)| (*at).max(now.mono)) {
            Some((at, reason)) if at <= now.mono => Step::Ask(reason),
            Some((at, _)) => Step::SleepUntil(at.min(now.mono + LONGEST_SLEEP)),
            None => Step::SleepUntil(now.mono + LONGEST_SLEEP),
        }
    }

    /// When the round ends in vain, whatever else happens.
    pub(crate) fn round_ends(&self) -> Option<Instant> {
        self.round.as_ref().map(|round| round.until)
    }

    /// Ends the round if its time is up. A source that was not asked in it is asked all the same: for who comes later.
    pub(crate) fn end_round_if_due(&mut self, now: Now) -> Option<InVain> {
        let round = self.round.take_if(|round| round.until <= now.mono)?;
        Some(match round.asked {
            Asked::NotYet => InVain::TimedOut,
            Asked::Unchanged => {
                self.look_at = None;
                InVain::Unchanged
            }
        })
    }

    /// The source is asked now.
    pub(crate) fn start(&mut self, now: Now) {
        self.last_start = now.mono;
        self.hinted = false;
        self.requested = false;
        self.look_at = None;
    }

    /// The attempt brought a new generation: the round, if there is one, has what it waited for.
    pub(crate) fn rotated(
        &mut self,
        replaced: Generation,
        proven: Proven,
        now: Now,
        expires: Option<Deadline>,
        draw: Draw,
    ) {
        self.clear_if_proven(replaced, proven, now);
        self.look_at = None;
        self.round = None;
        self.succeeded(now, Moved::Yes, expires, draw);
    }

    /// The attempt found the same content. `Some` ends the round.
    pub(crate) fn unchanged(
        &mut self,
        now: Now,
        moved: Moved,
        expires: Option<Deadline>,
        draw: Draw,
    ) -> Option<InVain> {
        self.succeeded(now, moved, expires, draw);
        let round = self.round.as_mut()?;
        if self.look_at.is_some() {
            return None; // rejected while the attempt ran: a younger one is still to come
        }
        round.asked = Asked::Unchanged;
        let look_at = now.mono + round.next_look;
        if self.guard.first_attempt() && look_at < round.until {
            self.look_at = Some(look_at);
            round.next_look *= 2;
            return None;
        }
        if self.guard.first_attempt() {
            return None; // a hint may still come before the time is up
        }
        self.round = None;
        Some(InVain::Unchanged)
    }

    /// The attempt failed. `Ended` if the round ends with it.
    pub(crate) fn failed(
        &mut self,
        now: Now,
        error: &SourceError,
        expires: Option<Deadline>,
        draw: Draw,
    ) -> RoundAfterFailure {
        self.failures = self.failures.saturating_add(1);
        let remaining = expires.map(|expires| expires.remaining(now));
        let Settings { pace, backoff, .. } = self.settings;
        let wait = schedule::after_failure(backoff, pace, self.failures, error, remaining, draw);
        self.due = Deadline::after(now, wait);
        if self.look_at.is_some() {
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

    /// All that the guard holds is forgotten, once for each generation that has proven itself.
    fn clear_if_proven(&mut self, generation: Generation, proven: Proven, now: Now) {
        if proven != Proven::No && self.cleared_for != Some(generation) {
            self.cleared_for = Some(generation);
            self.guard.clear(now.mono);
        }
    }

    fn succeeded(&mut self, now: Now, moved: Moved, expires: Option<Deadline>, draw: Draw) {
        self.failures = 0;
        let remaining = expires.map(|expires| expires.remaining(now));
        let wait = schedule::after_success(self.settings.pace, moved, remaining, draw);
        self.due = Deadline::after(now, wait);
    }
}

/// Whether those who wait are told of the failure or wait for the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoundAfterFailure {
    Ended,
    GoesOn,
}
