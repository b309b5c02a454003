//! The last answers of the upstream, for readiness.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::gateway::error_response::Problem;

/// How many failures in a row are needed. One client can provoke a rejection, and a connection can
/// break.
const FAILURES: u32 = 3;
/// How long they count. Where nobody sends requests to a gateway that is not ready, no answer would
/// ever show that the upstream is back.
const MEMORY: Duration = Duration::from_secs(30);

/// The last answers of the upstream. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Arc<Mutex<Record>>);

/// The state of the upstream by its last responses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Record {
    /// Requests in a row that the upstream rejected, or did not answer.
    pub(crate) failures: u32,
    last_failure: Option<Instant>,
}

impl Answers {
    pub(super) fn note(&self, answer: Result<(), Problem>, now: Instant) {
        let mut record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *record = record.after(answer, now);
    }

    pub(crate) fn record(&self) -> Record {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// Returns whether the next request would likely fail.
    pub(crate) fn is_failing(self, now: Instant) -> bool {
        let is_recent = |at: Instant| now.duration_since(at) < MEMORY;
        self.failures >= FAILURES && self.last_failure.is_some_and(is_recent)
    }

    /// Returns the record after an answer. What the client is to blame for says nothing.
    fn after(self, answer: Result<(), Problem>, now: Instant) -> Self {
        match answer {
            Ok(()) => Self::default(),
            Err(
                Problem::Unauthorized
                | Problem::Unreachable
                | Problem::Silent
                | Problem::InvalidAnswer,
            ) => Self {
                failures: self.failures.saturating_add(1),
                last_failure: Some(now),
            },
            Err(_) => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(answers: &[Result<(), Problem>], now: Instant) -> Record {
        let one = |record: Record, answer: &Result<(), Problem>| record.after(*answer, now);
        answers.iter().fold(Record::default(), one)
    }

    #[test]
    fn failures_in_a_row_are_no_service() {
        let now = Instant::now();
        let (rejected, gone) = (Err(Problem::Unauthorized), Err(Problem::Unreachable));
        assert!(after(&[rejected, gone, rejected], now).is_failing(now));
        assert!(!after(&[rejected, gone], now).is_failing(now));
        assert!(!after(&[gone, gone, Ok(()), gone], now).is_failing(now));
        let clients = Err(Problem::UploadBroken);
        assert!(!after(&[clients; 9], now).is_failing(now));
        assert!(after(&[gone, gone, clients, gone], now).is_failing(now));
    }

    #[test]
    fn failures_are_forgotten_after_a_while() {
        let now = Instant::now();
        let record = after(&[Err(Problem::Silent); 5], now);
        assert!(record.is_failing(now + MEMORY / 2));
        assert!(!record.is_failing(now + MEMORY));
    }
}
