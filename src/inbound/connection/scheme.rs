//! The scheme that a client has used.

/// The scheme that the client has used on its connection, as a request extension.
///
/// The server puts it into each request: `Https` on a connection with TLS, `Http` on one without.
/// HTTP/1 does not say so itself. [`SecureOnly`](crate::inbound::SecureOnly) goes by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestScheme {
    /// The connection is not encrypted: everybody on the way has read the request.
    Http,
    /// The connection is encrypted.
    Https,
}
