//! The address of the other end of the connection.

use std::net::SocketAddr;

use http::Extensions;

/// The address of the other end of the connection, as a request extension.
///
/// The server puts it into each request. Networks of keys, trusted proxies and events go by it. A
/// layer that finds it elsewhere is told so by
/// [`peer_addr`](crate::inbound::RequireKeyLayer::peer_addr).
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::inbound::PeerAddr;
///
/// # let stream_peer = "192.0.2.7:50000".parse().unwrap();
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(PeerAddr(stream_peer));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// Finds the address in the extension of this crate.
pub(crate) fn peer_addr(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get().map(|PeerAddr(address)| *address)
}
