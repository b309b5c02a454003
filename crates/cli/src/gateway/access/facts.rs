//! The facts in a line of the access log.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, Uri};
use tokio::time::Instant;
use tower_rotating_auth::inbound::{ClientId, KeyId};
use tower_rotating_auth::outbound::{AttemptResult, Outcome};

use crate::output::log::LogFormat;

/// The request's head.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) format: LogFormat,
    pub(super) since: Instant,
    pub(super) method: Method,
    /// Written without its query, which may hold anything.
    pub(super) uri: Uri,
    pub(super) peer: Option<IpAddr>,
    pub(super) user_agent: Option<HeaderValue>,
    pub(super) id: HeaderValue,
}

/// The outcome.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) status: Option<StatusCode>,
    pub(super) client: Option<ClientId>,
    pub(super) key: Option<KeyId>,
    /// Why it was refused.
    pub(super) reason: Option<&'static str>,
    pub(super) upstream: Option<Arc<str>>,
    pub(super) upstream_key: Option<KeyOutcome>,
    pub(super) is_probe: bool,
}

/// The outcome for the upstream's key, if the upstream rejected it at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyOutcome {
    /// The generations that were sent, in order.
    pub(super) generations: Vec<u64>,
    pub(super) is_accepted: bool,
}

impl KeyOutcome {
    pub(super) fn new(outcome: &Outcome) -> Self {
        let attempts = outcome.attempts();
        let last = attempts.last().map(|attempt| attempt.result);
        Self {
            generations: attempts.iter().map(|sent| sent.generation.get()).collect(),
            is_accepted: last == Some(AttemptResult::NotRejected),
        }
    }
}

impl fmt::Display for KeyOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_accepted {
            "replayed"
        } else {
            "rejected"
        };
        let generations: Vec<_> = self.generations.iter().map(u64::to_string).collect();
        write!(f, "{what} {}", generations.join("→"))
    }
}
