//! The promises of the engine, derived from the answers of its source.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating,
    rotating::Generation,
    source::{FetchReason, Revision, SourceErrorKind},
};

use super::Setup;
use super::world::{Attempt, Ended, Moment};

/// The expected state of the engine after the attempts so far.
pub(crate) struct Promises {
    setup: Setup,
    followed: usize,
    generation: u64,
    value: u8,
    revision: Option<Revision>,
    expires: Option<Deadline>,
    failures: u32,
    last_error: Option<SourceErrorKind>,
    /// The values by generation, from 1.
    values: Vec<u8>,
    /// The outcome of each attempt.
    outcomes: Vec<Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good,
    Bad(SourceErrorKind),
    /// Neither: the task was dropped during the attempt.
    Unknown,
}

#[derive(Clone, Copy)]
struct Deadline {
    mono: Instant,
    wall: SystemTime,
}

impl Deadline {
    fn passed(self, now: Moment) -> bool {
        self.mono <= now.mono || self.wall <= now.wall
    }
}

impl Promises {
    pub(crate) const fn new(setup: Setup) -> Self {
        Self {
            setup,
            followed: 0,
            generation: 0,
            value: 0,
            revision: None,
            expires: None,
            failures: 0,
            last_error: None,
            values: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    pub(crate) const fn setup(&self) -> Setup {
        self.setup
    }

    /// Returns the outcome of an attempt, if it is over.
    pub(crate) fn outcome(&self, attempt: usize) -> Option<Outcome> {
        self.outcomes.get(attempt).copied()
    }

    /// Follows the attempts that are over and compares the result with the engine.
    pub(crate) fn look(&mut self, attempts: &[Attempt], key: &Rotating<u8>, stopped: bool) {
        for number in self.followed..attempts.len() {
            let attempt = &attempts[number];
            if number > 0 {
                self.is_apart(&attempts[number - 1], attempt);
            }
            let Some((end, ended)) = &attempt.end else {
                assert_eq!(number + 1, attempts.len(), "two fetches at a time");
                break;
            };
            self.asked_with_current_state(attempt);
            let outcome = self.follow(attempt, *end, ended, stopped);
            match outcome {
                Outcome::Good => (self.failures, self.last_error) = (0, None),
                Outcome::Bad(class) => {
                    self.failures += 1;
                    self.last_error = Some(class);
                }
                Outcome::Unknown => {}
            }
            self.outcomes.push(outcome);
            self.followed += 1;
        }

        let (current, status) = (key.current(), key.status());
        let shown = (current.generation().get(), *current);
        assert_eq!(shown, (self.generation, self.value));
        let expires = self.expires.map(|expires| expires.wall);
        assert_eq!(current.expires_at(), expires);
        assert_eq!(status.generation, current.generation());
        assert_eq!(status.failures, self.failures);
        assert_eq!(status.last_error, self.last_error);
    }

    /// Checks that rejections force few attempts, and operators no more than the bucket allows.
    pub(crate) fn few_are_forced(&self, attempts: &[Attempt], elapsed: Duration) {
        let count = |reason| attempts.iter().filter(|a| a.reason == reason).count();
        let (rejected, requested) = (count(FetchReason::Rejected), count(FetchReason::Requested));

        // No generation is accepted here. So each claim but the first two waits twice as long as
        // the one before.
        let (mut claims, mut time, mut cooldown) = (2, Duration::ZERO, 20);
        while time <= elapsed {
            claims += 1;
            time += Duration::from_secs(cooldown);
            cooldown = (2 * cooldown).min(300);
        }
        // The first one is retried, after growing pauses.
        let mut pause = self.setup.min_interval;
        while pause < self.setup.force_wait {
            claims += 1;
            pause *= 2;
        }
        assert!(rejected <= claims, "{rejected} of at most {claims}");

        let tokens = 4 + elapsed.as_secs() / 10;
        assert!(
            requested as u64 <= tokens,
            "{requested} of at most {tokens}"
        );
    }

    /// Checks that a subscriber saw only values that were current at some time.
    pub(crate) fn were_current(&self, seen: &[(Generation, u8)]) {
        for (generation, value) in seen {
            let index = usize::try_from(generation.get() - 1).expect("a small number");
            assert_eq!(self.values.get(index), Some(value), "at {generation}");
        }
    }

    fn is_apart(&self, before: &Attempt, attempt: &Attempt) {
        let (end, _) = before.end.as_ref().expect("one fetch at a time");
        assert!(end.mono <= attempt.start.mono, "two fetches at a time");
        let apart = attempt.start.mono - before.start.mono;
        assert!(apart >= self.setup.min_interval, "{apart:?} apart");
    }

    fn asked_with_current_state(&self, attempt: &Attempt) {
        let is_first = self.followed == 0;
        assert_eq!(attempt.reason == FetchReason::Start, is_first);
        assert_eq!(attempt.current, (!is_first).then_some(self.value));
        assert_eq!(attempt.revision, self.revision);
        let rejected = (attempt.reason == FetchReason::Rejected).then_some(self.generation);
        assert_eq!(attempt.rejected.map(Generation::get), rejected);
    }

    fn follow(&mut self, attempt: &Attempt, end: Moment, ended: &Ended, stopped: bool) -> Outcome {
        let (value, lives) = match ended {
            Ended::Delivered { value, lives } => (value, lives),
            Ended::Failed(class) => return Outcome::Bad(*class),
            Ended::Panicked => return Outcome::Bad(SourceErrorKind::Panicked),
            Ended::Dropped => {
                let took = end.mono - attempt.start.mono;
                if took >= self.setup.fetch_timeout {
                    return Outcome::Bad(SourceErrorKind::TimedOut);
                }
                assert!(stopped, "dropped after {took:?}");
                return Outcome::Unknown;
            }
        };
        let expires = lives.map(|lifetime| Deadline {
            mono: attempt.start.mono + lifetime,
            wall: attempt.start.wall + lifetime,
        });
        let (is_new, known) = match value {
            Some((value, _)) if self.generation == 0 || *value != self.value => (true, expires),
            _ => (false, expires.or(self.expires)),
        };
        if known.is_some_and(|expires| expires.passed(end)) {
            return Outcome::Bad(SourceErrorKind::Expired);
        }
        self.expires = known;
        if let Some((value, revision)) = value {
            self.value = *value;
            self.revision.clone_from(revision);
        }
        if is_new {
            self.generation += 1;
            self.values.push(self.value);
        }
        Outcome::Good
    }
}
