//! Events of the inbound half.

use crate::rotating;
use crate::rotating::TraceEvent;

/// An event of a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer). Its name is that of the key
/// set.
pub type Event = rotating::Event<EventKind>;

/// The kinds of [`Event`] that a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer) has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// Requests of clients were refused.
    Refused {
        /// The reason, in one word.
        reason: &'static str,
        /// The number of refusals since the last such event that got no event of their own. A flood
        /// is counted, not reported one by one.
        suppressed: u64,
    },
}

impl TraceEvent for EventKind {
    fn trace(&self, name: &str) {
        match self {
            Self::Refused { reason, suppressed } => {
                tracing::warn!(name, reason, suppressed, "refused a client");
            }
        }
    }
}
