//! Rate limits by client, whichever of its rotating API keys it presents, for [`tower_governor`].
//!
//! A [`ClientKeyExtractor`] counts a request with a valid key by its client, and any other request
//! by the address of its peer. Put the limit inside the
//! [`RequireKeyLayer`](tower_rotating_auth::inbound::RequireKeyLayer), which refuses all other keys
//! before they count.
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use tower_governor::{GovernorLayer, governor::GovernorConfigBuilder};
//! use tower_rotating_auth::{
//!     Rotating,
//!     inbound::{KeySet, RequireKeyLayer},
//! };
//! use tower_rotating_auth_governor::ClientKeyExtractor;
//!
//! let (keys, _publisher) = Rotating::manual(KeySet::empty());
//! let limit = GovernorConfigBuilder::default()
//!     .period(Duration::from_secs(1))
//!     .burst_size(10)
//!     .key_extractor(ClientKeyExtractor::new())
//!     .finish()
//!     .ok_or("the period or the burst is zero")?;
//! let app: Router = Router::new()
//!     .route("/models", get(async || "models"))
//!     .layer(GovernorLayer::new(limit)) // inside
//!     .layer(RequireKeyLayer::new(keys)); // outside
//! # drop(app);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "axum"))]
//! # fn main() {}
//! ```
//!
//! # The peer
//!
//! The address comes from the request's [`PeerAddr`], or else from axum's `ConnectInfo`, which
//! `into_make_service_with_connect_info::<SocketAddr>` provides. A client can set neither. Without
//! both, a request without a key is answered with 500.
//!
//! # Features
//!
//! - `axum`, on by default: reads `ConnectInfo`.
//! - `tracing`: names the key in the log lines of `tower_governor`. If anything turns on the
//!   feature of this name of `tower_governor`, turn on this one, too.

#![cfg_attr(docsrs, feature(doc_cfg))]

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{Extensions, Request};
use tower_governor::GovernorError;
use tower_governor::key_extractor::KeyExtractor;
use tower_rotating_auth::inbound::{ClientId, PeerAddr, Principal, TrustedProxies};

/// The bits of an IPv6 address that name the network of one subscriber.
const SUBSCRIBER_BITS: u32 = 64;

/// A key extractor that counts requests by client, and those without a key by address.
///
/// See the [crate documentation](crate) for an example.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ClientKeyExtractor {
    trusted_proxies: TrustedProxies,
}

/// The key by which a [`ClientKeyExtractor`] counts a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientKey {
    /// A client with a valid key, whichever of its keys that is.
    Client(ClientId),
    /// The address of a caller without a key. Of an IPv6 address, the network of 64 bits: a
    /// subscriber has all addresses of it.
    Address(IpAddr),
}

impl ClientKeyExtractor {
    /// Creates an extractor that trusts no proxy.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the proxies whose forwarded headers name the callers without a key. Defaults to none,
    /// so all callers behind a proxy share its limit.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.trusted_proxies = proxies;
        self
    }
}

impl KeyExtractor for ClientKeyExtractor {
    type Key = ClientKey;

    #[cfg(feature = "tracing")]
    fn name(&self) -> &'static str {
        "client"
    }

    /// Returns the key of a request.
    ///
    /// # Errors
    ///
    /// Returns [`GovernorError::UnableToExtractKey`] if the request has no key and its address is
    /// not known.
    fn extract<T>(&self, request: &Request<T>) -> Result<ClientKey, GovernorError> {
        let principal = request.extensions().get::<Principal>();
        if let Some(key) = principal.and_then(Principal::key) {
            return Ok(ClientKey::Client(key.client().clone()));
        }
        let peer = peer_addr(request.extensions());
        let address = self.trusted_proxies.client_ip(peer, request.headers());
        let address = address.ok_or(GovernorError::UnableToExtractKey)?;
        Ok(ClientKey::Address(subscriber(address)))
    }

    #[cfg(feature = "tracing")]
    fn key_name(&self, key: &ClientKey) -> Option<String> {
        Some(key.to_string())
    }
}

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(client) => write!(f, "{client}"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// Finds the address of the peer in what the server puts into the extensions.
fn peer_addr(extensions: &Extensions) -> Option<SocketAddr> {
    let ours = extensions.get().map(|PeerAddr(address)| *address);
    ours.or_else(|| connect_info(extensions))
}

#[cfg(feature = "axum")]
fn connect_info(extensions: &Extensions) -> Option<SocketAddr> {
    use axum::extract::ConnectInfo;
    extensions.get().map(|ConnectInfo(address)| *address)
}

#[cfg(not(feature = "axum"))]
const fn connect_info(_: &Extensions) -> Option<SocketAddr> {
    None
}

/// Returns the part of an address that names its subscriber.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::MAX << (Ipv6Addr::BITS - SUBSCRIBER_BITS);
            IpAddr::V6((address.to_bits() & network).into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}
