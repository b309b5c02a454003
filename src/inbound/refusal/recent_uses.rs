//! Recent uses of tokens that no key set has, so that each has one event a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::inbound::key::{ClientId, KeyId, KeyRecord, Noted};

/// How soon a use of the same token is reported again.
const REPORT_AGAIN: Duration = Duration::from_secs(60);

/// How many tokens are remembered. Beyond that, a token may be reported more often.
const LIMIT: usize = 4096;

/// When tokens were last reported to be used. A validator makes a new record for each request, so
/// the record cannot hold it, as that of a key does.
#[derive(Debug, Default)]
pub(crate) struct RecentUses(Mutex<HashMap<(ClientId, KeyId), SystemTime>>);

impl RecentUses {
    /// Notes a use, if the last note is a minute old.
    pub(crate) fn note(&self, record: &KeyRecord, now: SystemTime) -> Noted {
        let token = (record.client().clone(), record.id().clone());
        let is_recent = |at: SystemTime| now < at + REPORT_AGAIN;
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.get(&token).is_some_and(|at| is_recent(*at)) {
            return Noted::Before;
        }
        if uses.len() >= LIMIT {
            uses.retain(|_, at| is_recent(*at));
            // A report too many is better than memory without a bound, or a use without a report.
            if uses.len() >= LIMIT {
                uses.clear();
            }
        }
        uses.insert(token, now);
        Noted::Now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::key::Scopes;

    fn record(id: usize) -> KeyRecord {
        let id = format!("token-{id}").parse().unwrap();
        KeyRecord::new(id, "web".parse().unwrap(), Scopes::default())
    }

    #[test]
    fn token_is_noted_once_a_minute() {
        let (uses, start) = (RecentUses::default(), SystemTime::UNIX_EPOCH);
        let note = |id, seconds| uses.note(&record(id), start + Duration::from_secs(seconds));
        assert_eq!([note(1, 0), note(2, 0)], [Noted::Now; 2]);
        assert_eq!([note(1, 59), note(2, 59)], [Noted::Before; 2]);
        assert_eq!([note(1, 60), note(1, 61)], [Noted::Now, Noted::Before]);
    }

    #[test]
    fn remembered_tokens_are_bounded_and_all_noted() {
        let uses = RecentUses::default();
        for id in 0..3 * LIMIT {
            let noted = uses.note(&record(id), SystemTime::UNIX_EPOCH);
            assert_eq!(noted, Noted::Now);
            assert!(uses.0.lock().unwrap().len() <= LIMIT);
        }
    }
}
