//! Events of the inbound half.

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use http::Method;

use super::key::{ClientId, KeyId, KeyStatus};
use crate::generation::Generation;
use crate::rotating;
use crate::rotating::TraceEvent;

/// An event of a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer). Its name is that of the key
/// set.
pub type Event = rotating::Event<EventKind>;

/// The kinds of [`Event`] that a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer) has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A request was refused, or its key on a route that admits it without one.
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
        /// The address of the other end of the connection, such as a proxy, if the layer knows
        /// where to find it: see [`peer_addr`](crate::inbound::RequireKeyLayer::peer_addr).
        peer: Option<SocketAddr>,
        /// The client's address, which [trusted
        /// proxies](crate::inbound::RequireKeyLayer::trusted_proxies) name, if it is known.
        client_ip: Option<IpAddr>,
        /// The request's `x-request-id`, if it has one: at most 200 characters.
        request_id: Option<Box<str>>,
        /// The generation of the key set.
        generation: Generation,
    },
    /// A request with this key was admitted. Each key has at most one such event a minute.
    Used {
        /// The client of the key.
        client: ClientId,
        /// The name of the key.
        key_id: KeyId,
        /// [`InGrace`](KeyStatus::InGrace) if a rotation has replaced the key, so that the client
        /// still has to switch; otherwise [`Active`](KeyStatus::Active).
        status: KeyStatus,
        /// When the key expires, if it does.
        expires_at: Option<SystemTime>,
        /// The method of the request. The client chose it.
        method: Method,
        /// The route, as of [`Refused`](Self::Refused).
        route: Box<str>,
        /// The address of the other end of the connection, if it is known.
        peer: Option<SocketAddr>,
        /// The client's address, as of [`Refused`](Self::Refused).
        client_ip: Option<IpAddr>,
        /// The request's `x-request-id`, if it has one: at most 200 characters.
        request_id: Option<Box<str>>,
        /// The generation of the key set.
        generation: Generation,
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

impl EventKind {
    /// Returns the kind in a word or two, for logs. These words are stable.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Used { .. } => "used",
            Self::RefusalsNotReported { .. } => "not_reported",
        }
    }
}

impl TraceEvent for EventKind {
    fn trace(&self, name: &str) {
        let event = self.as_str();
        match self {
            Self::Refused {
                reason,
                client,
                key_id,
                method,
                route,
                peer,
                client_ip,
                request_id,
                generation,
            } => {
                let client = client.as_ref().map(ClientId::as_str);
                let key_id = key_id.as_ref().map(KeyId::as_str);
                let peer = peer.as_ref().map(tracing::field::display);
                let client_ip = client_ip.as_ref().map(tracing::field::display);
                let request_id = request_id.as_ref().map(tracing::field::debug);
                tracing::warn!(
                    event, name, reason, client, key_id, %method, ?route, peer, client_ip,
                    request_id, %generation, "refused a client"
                );
            }
            Self::Used {
                client,
                key_id,
                status,
                method,
                route,
                peer,
                client_ip,
                request_id,
                generation,
                ..
            } => {
                let peer = peer.as_ref().map(tracing::field::display);
                let client_ip = client_ip.as_ref().map(tracing::field::display);
                let request_id = request_id.as_ref().map(tracing::field::debug);
                tracing::debug!(
                    event, name, %client, %key_id, %status, %method, ?route, peer, client_ip,
                    request_id, %generation, "a key was used"
                );
            }
            Self::RefusalsNotReported { reason, count } => {
                tracing::warn!(event, name, reason, count, "refused more clients");
            }
        }
    }
}
