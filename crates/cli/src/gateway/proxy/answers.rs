//! The last answers of the upstream, for readiness.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tower_rotating_auth::inbound::ClientId;

use crate::gateway::error_response::Problem;

/// How many failures in a row are needed. A connection can break.
const FAILURES: u32 = 3;
/// How long they count. Where nobody sends requests to a gateway that is not ready, no answer would
/// ever show that the upstream is back.
const MEMORY: Duration = Duration::from_secs(30);

/// The client of a request. All without a key count as one, since an address costs nothing.
pub(crate) type Caller = Option<ClientId>;

/// How many clients a gateway may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callers {
    One,
    Several,
}

/// The last answers of the upstream. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Arc<Mutex<Record>>);

/// The state of the upstream by its last responses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Requests in a row that the upstream rejected, or did not answer.
    pub(crate) failures: u32,
    last: Option<Failure>,
}

/// The last failure, and who had those in a row.
#[derive(Clone, Debug)]
struct Failure {
    at: Instant,
    caller: Caller,
    callers: Callers,
}

impl Answers {
    pub(super) fn note(&self, answer: Result<(), Problem>, caller: &Caller, now: Instant) {
        let mut record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        record.note(answer, caller, now);
    }

    pub(crate) fn record(&self) -> Record {
        let record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        record.clone()
    }
}

impl Record {
    /// Returns whether the next request would likely fail.
    ///
    /// One client can provoke a failure, by a path that always answers 401 or never. So failures of
    /// one client say nothing about the others, if the gateway has others.
    pub(crate) fn is_failing(&self, callers: Callers, now: Instant) -> bool {
        let counts = |last: &Failure| {
            now.duration_since(last.at) < MEMORY
                && (last.callers == Callers::Several || callers == Callers::One)
        };
        self.failures >= FAILURES && self.last.as_ref().is_some_and(counts)
    }

    /// Notes an answer. What the client is to blame for says nothing.
    fn note(&mut self, answer: Result<(), Problem>, caller: &Caller, now: Instant) {
        match answer {
            Ok(()) => *self = Self::default(),
            Err(
                Problem::Unauthorized
                | Problem::Unreachable
                | Problem::Silent
                | Problem::InvalidAnswer,
            ) => {
                self.failures = self.failures.saturating_add(1);
                let callers = match &self.last {
                    Some(last) if last.caller != *caller => Callers::Several,
                    Some(last) => last.callers,
                    None => Callers::One,
                };
                self.last = Some(Failure {
                    at: now,
                    caller: caller.clone(),
                    callers,
                });
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(answers: &[(Result<(), Problem>, &str)], now: Instant) -> Record {
        let mut record = Record::default();
        for (answer, caller) in answers {
            record.note(*answer, &caller.parse().ok(), now);
        }
        record
    }

    fn of_one(answers: &[Result<(), Problem>], now: Instant) -> Record {
        let answers: Vec<_> = answers.iter().map(|answer| (*answer, "one")).collect();
        after(&answers, now)
    }

    #[test]
    fn failures_in_a_row_are_no_service() {
        let now = Instant::now();
        let is_failing = |answers: &[_]| of_one(answers, now).is_failing(Callers::One, now);
        let (rejected, gone) = (Err(Problem::Unauthorized), Err(Problem::Unreachable));
        assert!(is_failing(&[rejected, gone, rejected]));
        assert!(!is_failing(&[rejected, gone]));
        assert!(!is_failing(&[gone, gone, Ok(()), gone]));
        let clients = Err(Problem::UploadBroken);
        assert!(!is_failing(&[clients; 9]));
        assert!(!is_failing(&[Err(Problem::NotSwitched); 9]));
        assert!(is_failing(&[gone, gone, clients, gone]));
    }

    #[test]
    fn failures_of_one_client_of_several_do_not_count() {
        let now = Instant::now();
        for gone in [Problem::Unauthorized, Problem::Silent, Problem::Unreachable] {
            let [one, other, unknown] = ["one", "other", ""].map(|caller| (Err(gone), caller));
            for (answers, wanted) in [
                (&[one; 9][..], false),
                (&[unknown; 9], false),
                (&[one, one, other], true),
                (&[one, other, other, other], true),
                (&[one, unknown, one], true),
                (&[one, one, (Ok(()), "one"), other, other, other], false),
            ] {
                let record = after(answers, now);
                assert_eq!(
                    record.is_failing(Callers::Several, now),
                    wanted,
                    "{answers:?}"
                );
            }
        }
    }

    #[test]
    fn failures_are_forgotten_after_a_while() {
        let now = Instant::now();
        let record = of_one(&[Err(Problem::Silent); 5], now);
        assert!(record.is_failing(Callers::One, now + MEMORY / 2));
        assert!(!record.is_failing(Callers::One, now + MEMORY));
    }
}
