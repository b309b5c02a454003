//! The record of a request, which becomes its line.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use tower_rotating_auth::inbound::{AuthError, Principal};
use tower_rotating_auth::outbound::Outcome;

use super::facts::{Asked, Found, KeyOutcome};
use super::line::text;
use crate::output::log::LogFormat;

/// The target of the access log in `RUST_LOG`.
pub(super) const TARGET: &str = "rotating_auth::access";

/// A request's line. Each part of the gateway that works on the request holds a clone. The last
/// clone writes the line when it is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Record(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    asked: Asked,
    found: Mutex<Found>,
}

impl Record {
    pub(super) fn new(asked: Asked) -> Self {
        Self(Arc::new(Shared {
            asked,
            found: Mutex::default(),
        }))
    }

    pub(super) fn answered(&self, status: StatusCode, error: Option<&AuthError>, is_probe: bool) {
        let mut found = self.lock();
        found.status = Some(status);
        found.is_probe = is_probe;
        if let Some(error) = error {
            found.reason = Some(error.reason());
            found.client = error.client().cloned();
            found.key = error.key_id().cloned();
        }
    }

    /// Notes whose request it is.
    pub(crate) fn authenticated(&self, principal: &Principal) {
        if let Some(key) = principal.key() {
            let mut found = self.lock();
            found.client = Some(key.client().clone());
            found.key = Some(key.key_id().clone());
        }
    }

    /// Notes that the request goes to an upstream.
    pub(crate) fn forwarded(&self, upstream: &Arc<str>) {
        self.lock().upstream = Some(Arc::clone(upstream));
    }

    /// Notes what became of the upstream's key.
    pub(crate) fn key_outcome(&self, outcome: &Outcome) {
        self.lock().upstream_key = Some(KeyOutcome::new(outcome));
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let found = self.found.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (asked, took) = (&self.asked, self.asked.since.elapsed());
        match (asked.format, found.is_probe) {
            (LogFormat::Text, false) => {
                tracing::info!(target: TARGET, "{}", text(asked, found, took));
            }
            (LogFormat::Text, true) => {
                tracing::debug!(target: TARGET, "{}", text(asked, found, took));
            }
            (LogFormat::Json, false) => super::line::json!(info, asked, found, took),
            (LogFormat::Json, true) => super::line::json!(debug, asked, found, took),
        }
    }
}
