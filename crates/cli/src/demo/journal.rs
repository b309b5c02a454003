//! The demo's lines about requests, and about the rotations between them.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;

use crate::output;

/// So many rotations without a request are worth a line.
const ROTATIONS_A_LINE: u64 = 3;

/// The journal of the demo. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Journal(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// The requests that have no answer yet, each with what the upstream said to its attempts.
    open: HashMap<u64, Vec<Attempt>>,
    next: u64,
    /// The newest key that the lines so far account for.
    reported: u64,
    total: Total,
}

/// A request that arrived at the upstream.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    key: u64,
    accepted: bool,
}

/// The number of requests, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    requests: u64,
    replayed: u64,
    failed: u64,
    refused: u64,
}

/// A request without an answer. Dropped with the answer, or when the client hangs up.
#[derive(Debug)]
pub(super) struct OpenRequest {
    journal: Journal,
    id: u64,
}

impl Journal {
    /// Creates a journal of an upstream that starts with key 1.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            open: HashMap::new(),
            next: 0,
            reported: 1,
            total: Total::default(),
        })))
    }

    pub(super) fn begin(&self) -> OpenRequest {
        let mut state = self.lock();
        state.next += 1;
        let id = state.next;
        state.open.insert(id, Vec::new());
        OpenRequest {
            journal: self.clone(),
            id,
        }
    }

    /// Notes that request `id` arrived at the upstream with key number `key`.
    pub(super) fn attempt(&self, id: u64, key: u64, accepted: bool) {
        if let Some(attempts) = self.lock().open.get_mut(&id) {
            attempts.push(Attempt { key, accepted });
        }
    }

    /// Prints a line about the rotations since the last line, once there are a few.
    pub(super) fn key_lasted(&self, key: u64) {
        let mut state = self.lock();
        let unnoticed = key.saturating_sub(state.reported);
        if unnoticed >= ROTATIONS_A_LINE {
            state.reported = key;
            output::say(format_args!("{}", Unnoticed(unnoticed)));
        }
    }

    pub(super) fn total(&self) -> Total {
        self.lock().total
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenRequest {
    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    /// Prints the request's line, after one for the rotations before it.
    pub(super) fn answered(self, status: StatusCode) {
        let mut state = self.journal.lock();
        let attempts = state.open.remove(&self.id).unwrap_or_default();
        let (unnoticed, line) = state.answered(&attempts, status);
        if unnoticed > 0 {
            output::say(format_args!("{}", Unnoticed(unnoticed)));
        }
        output::say(format_args!("{}  {line}", status.as_u16()));
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.journal.lock().open.remove(&self.id);
    }
}

impl State {
    /// Returns how many rotations nobody noticed until this request, and what to say of it.
    fn answered(&mut self, attempts: &[Attempt], status: StatusCode) -> (u64, String) {
        let (first, last) = match attempts {
            [] => (self.reported, self.reported),
            [first, .., last] | [first @ last] => (first.key, last.key),
        };
        let unnoticed = first.saturating_sub(self.reported);
        self.reported = self.reported.max(last);

        let replayed = attempts.len() > 1;
        self.total.requests += 1;
        self.total.replayed += u64::from(replayed);
        self.total.failed += u64::from(status.is_server_error());
        self.total.refused += u64::from(attempts.is_empty() && status.is_client_error());
        let line = match attempts {
            [] if status == StatusCode::UNAUTHORIZED => {
                "refused: the client key is missing or wrong".to_owned()
            }
            [] => "not sent to the upstream".to_owned(),
            [only] if only.accepted => format!("key {}", only.key),
            [only] => format!("key {} rejected", only.key),
            [rejected, .., last] if last.accepted => {
                format!(
                    "key {} rejected, replayed with key {}",
                    rejected.key, last.key
                )
            }
            [first, .., last] => format!("key {} rejected, and key {} too", first.key, last.key),
        };
        (unnoticed, line)
    }
}

/// Rotations that no request noticed.
struct Unnoticed(u64);

impl Display for Unnoticed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(n) = self;
        write!(f, "{n} rotation{}, no request noticed", plural(*n))
    }
}

impl Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requests,
            replayed,
            failed,
            refused,
        } = self;
        let s = plural(*requests);
        write!(
            f,
            "{requests} request{s}, {replayed} replayed, {failed} failed"
        )?;
        match refused {
            0 => Ok(()),
            _ => write!(f, ", {refused} refused"),
        }
    }
}

const fn plural(n: u64) -> &'static str {
    if n == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(journal: &Journal, attempts: &[(u64, bool)], status: u16) -> (u64, String) {
        let attempts: Vec<_> = attempts
            .iter()
            .map(|&(key, accepted)| Attempt { key, accepted })
            .collect();
        let status = StatusCode::from_u16(status).expect("a status");
        journal.lock().answered(&attempts, status)
    }

    #[test]
    fn lines_account_for_every_rotation_once() {
        let journal = Journal::new();
        let line = |attempts: &[(u64, bool)]| answered(&journal, attempts, 200);
        assert_eq!(line(&[(1, true)]), (0, "key 1".into()));
        assert_eq!(line(&[(4, true)]), (3, "key 4".into()));
        assert_eq!(
            line(&[(6, false), (7, true)]),
            (2, "key 6 rejected, replayed with key 7".into())
        );
        assert_eq!(
            line(&[(6, false), (7, true)]).0,
            0,
            "another request at the same rotation"
        );
        assert_eq!(line(&[(7, true)]), (0, "key 7".into()));
        assert_eq!(
            journal.total().to_string(),
            "5 requests, 2 replayed, 0 failed"
        );
    }

    #[test]
    fn total_tells_failed_from_refused() {
        let journal = Journal::new();
        answered(&journal, &[], 401);
        answered(&journal, &[(1, false)], 502);
        answered(&journal, &[(1, false), (2, false)], 502);
        assert_eq!(
            journal.total().to_string(),
            "3 requests, 1 replayed, 2 failed, 1 refused"
        );
    }

    #[test]
    fn dropped_request_leaves_no_trace() {
        let journal = Journal::new();
        let request = journal.begin();
        journal.attempt(request.id(), 1, true);
        drop(request);
        assert!(journal.lock().open.is_empty());
        assert_eq!(journal.total(), Total::default());
    }
}
