//! Limits of concurrent requests, in all and for each client.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tower_rotating_auth::inbound::ClientId;

use crate::gateway::error_response::Problem;

/// Whom a request counts for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Client(ClientId),
    /// A client without a key.
    Address(IpAddr),
}

/// The requests that run. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    limit: usize,
    limit_each: usize,
    running: Arc<Mutex<Running>>,
}

#[derive(Debug, Default)]
struct Running {
    all: usize,
    each: HashMap<Who, usize>,
}

/// A running request. Dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct Permit {
    who: Who,
    admission: Admission,
}

impl Admission {
    pub(crate) fn new(limit: usize, limit_each: usize) -> Self {
        Self {
            limit,
            limit_each,
            running: Arc::default(),
        }
    }

    /// Returns other limits for the same requests.
    pub(crate) fn with_limits(&self, limit: usize, limit_each: usize) -> Self {
        Self {
            limit,
            limit_each,
            running: Arc::clone(&self.running),
        }
    }

    pub(crate) fn admit(&self, who: Who) -> Result<Permit, Problem> {
        let mut running = self.lock();
        let Running { all, each } = &mut *running;
        let each = each.entry(who.clone());
        if matches!(&each, Entry::Occupied(count) if *count.get() >= self.limit_each) {
            return Err(Problem::ClientBusy);
        }
        if *all >= self.limit {
            return Err(Problem::Busy);
        }
        *all += 1;
        *each.or_default() += 1;
        drop(running);
        Ok(Permit {
            who,
            admission: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut running = self.admission.lock();
        running.all -= 1;
        if let Some(count) = running.each.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                running.each.remove(&self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_cannot_take_all_places() {
        let admission = Admission::new(3, 2);
        let [one, other, third] = [1, 2, 3].map(|n| Who::Address(IpAddr::from([192, 0, 2, n])));
        let first = admission.admit(one.clone()).unwrap();
        let _second = admission.admit(one.clone()).unwrap();
        assert_eq!(
            admission.admit(one.clone()).unwrap_err(),
            Problem::ClientBusy
        );
        let _third = admission.admit(other).unwrap();
        assert_eq!(admission.admit(third.clone()).unwrap_err(), Problem::Busy);
        drop(first);
        let _fourth = admission.admit(third).unwrap();
        assert_eq!(admission.admit(one).unwrap_err(), Problem::Busy);
    }
}
