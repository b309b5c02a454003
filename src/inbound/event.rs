//! Events of the inbound half.

use std::net::SocketAddr;

use http::Method;

use super::key::{ClientId, KeyId};
use crate::rotating;
use crate::rotating::TraceEvent;

/// An event of a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer). Its name is that of the key
/// set.
pub type Event = rotating::Event<EventKind>;

/// The kinds of [`Event`] that a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer) has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A request was refused.
    Refused {
        /// The reason, in one word.
        reason: &'static str,
        /// The client whose key the request presented, if that is known.
        client: Option<ClientId>,
        /// The name of the key that the request presented, if that is known.
        key_id: Option<KeyId>,
        /// The method of the request. The client chose it.
        method: Method,
        /// The template that the router matched, or else the path without the query. The client
        /// chose the path, of which this has at most 200 characters.
        route: Box<str>,
        /// The client's address, if the layer knows where to find it: see
        /// [`peer_addr`](crate::inbound::RequireKeyLayer::peer_addr).
        peer: Option<SocketAddr>,
    },
    /// Further requests were refused. A flood is counted, not reported one by one: each reason has
    /// ten events a second. The count follows within a second.
    RefusalsNotReported {
        /// The reason, in one word.
        reason: &'static str,
        /// The number of requests without an event of their own.
        count: u64,
    },
}

impl TraceEvent for EventKind {
    fn trace(&self, name: &str) {
        match self {
            Self::Refused {
                reason,
                client,
                key_id,
                method,
                route,
                peer,
            } => {
                let client = client.as_ref().map(ClientId::as_str);
                let key_id = key_id.as_ref().map(KeyId::as_str);
                let peer = peer.as_ref().map(tracing::field::display);
                tracing::warn!(name, reason, client, key_id, %method, ?route, peer, "refused a client");
            }
            Self::RefusalsNotReported { reason, count } => {
                tracing::warn!(name, reason, count, "refused more clients");
            }
        }
    }
}
