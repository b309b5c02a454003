//! A caller that waits for a refresh, and the answers that are right for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating,
    rotating::{Generation, RefreshError, RefreshErrorKind},
    source::SourceErrorKind,
};

use super::promises::{Outcome, Promises};
use super::world::Attempt;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    Rejected(Generation),
    Refresh,
}

pub(crate) struct Waiter {
    asked: Asked,
    at: Instant,
    /// The current generation at that time.
    generation: Generation,
    /// The number of attempts that had started by then.
    attempts: usize,
    answer: Arc<Mutex<Option<(Instant, Answer)>>>,
    task: JoinHandle<()>,
}

#[derive(Clone, Debug)]
enum Answer {
    Current(Generation),
    Unchanged,
    Failed(SourceErrorKind),
    CoolingDown,
    Throttled,
    TimedOut,
    Stopped,
}

impl Answer {
    fn of(error: &RefreshError) -> Self {
        match error.kind() {
            RefreshErrorKind::Unchanged => Self::Unchanged,
            RefreshErrorKind::Failed => {
                let error = error.source_error().expect("it has the source's error");
                Self::Failed(error.kind())
            }
            RefreshErrorKind::Cooldown => Self::CoolingDown,
            RefreshErrorKind::Throttled => Self::Throttled,
            RefreshErrorKind::TimedOut => Self::TimedOut,
            RefreshErrorKind::Stopped => Self::Stopped,
            other => panic!("{other:?}"),
        }
    }
}

impl Waiter {
    pub(crate) fn new(key: &Rotating<u8>, asked: Asked, attempts: usize) -> Self {
        let refreshing = match asked {
            Asked::Rejected(generation) => key.refresh_newer_than(generation),
            Asked::Refresh => key.refresh(),
        };
        let answer = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&answer);
        Self {
            asked,
            at: Instant::now(),
            generation: key.current().generation(),
            attempts,
            answer,
            task: tokio::spawn(async move {
                let answer = match refreshing.await {
                    Ok(current) => Answer::Current(current.generation()),
                    Err(error) => Answer::of(&error),
                };
                let now = Instant::now();
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, answer));
            }),
        }
    }

    pub(crate) fn give_up(&self) {
        self.task.abort();
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.answer().is_some()
    }

    /// Returns whether there is an answer. Checks that it is right, and that none is late.
    pub(crate) fn look(&self, promises: &Promises, attempts: &[Attempt], stopped: bool) -> bool {
        let answer = self.answer();
        let waited = answer.as_ref().map_or_else(Instant::now, |(at, _)| *at) - self.at;
        let longest = self.longest(promises);
        assert!(waited <= longest, "{:?} waits {waited:?}", self.asked);
        let Some((at, answer)) = answer else {
            return false;
        };
        // Rejected requests share the round of the first one, and its attempts.
        let since = self.at.checked_sub(promises.setup().force_wait);
        let is_theirs = |number: usize, attempt: &Attempt| match self.asked {
            Asked::Rejected(_) => since.is_none_or(|since| attempt.start.mono >= since),
            Asked::Refresh => number >= self.attempts,
        };
        let some_attempt_was = |outcome| {
            attempts.iter().enumerate().any(|(number, attempt)| {
                let end = attempt.end.as_ref();
                is_theirs(number, attempt)
                    && end.is_some_and(|(end, _)| end.mono <= at)
                    && promises.outcome(number) == Some(outcome)
            })
        };
        match (self.asked, answer) {
            (Asked::Rejected(rejected), answer) if self.generation > rejected => {
                assert!(matches!(answer, Answer::Current(newer) if newer == self.generation));
                assert_eq!(waited, Duration::ZERO);
            }
            (Asked::Rejected(rejected), Answer::Current(newer)) => assert!(newer > rejected),
            (Asked::Rejected(_), Answer::Unchanged) => assert!(some_attempt_was(Outcome::Good)),
            (Asked::Refresh, Answer::Current(current)) => {
                assert!(current >= self.generation);
                assert!(some_attempt_was(Outcome::Good));
            }
            (_, Answer::Failed(class)) => assert!(some_attempt_was(Outcome::Bad(class))),
            (Asked::Rejected(_), Answer::CoolingDown) | (Asked::Refresh, Answer::Throttled) => {
                assert_eq!(waited, Duration::ZERO);
            }
            (Asked::Rejected(_), Answer::Throttled) => assert_eq!(waited, longest),
            (Asked::Rejected(_), Answer::TimedOut) => {}
            (_, Answer::Stopped) => assert!(stopped, "the task is running"),
            wrong => panic!("{wrong:?}"),
        }
        true
    }

    /// Returns the longest time that this caller may wait.
    fn longest(&self, promises: &Promises) -> Duration {
        let setup = promises.setup();
        match self.asked {
            Asked::Rejected(_) => setup.force_wait,
            // The running attempt or the interval, and then its own.
            Asked::Refresh => setup.fetch_timeout.max(setup.min_interval) + setup.fetch_timeout,
        }
    }

    fn answer(&self) -> Option<(Instant, Answer)> {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        answer.clone()
    }
}
