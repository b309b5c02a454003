//! One location of a token in a request.

use http::header::{self, HeaderName};

use crate::inbound::config_error::{ConfigError, ConfigErrorKind};

/// A place in a request where a client may put its token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyLocation {
    /// `Authorization: Bearer <token>` ([RFC 6750
    /// §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)). The scheme is case-insensitive.
    /// One or more spaces follow it.
    Bearer,
    /// A header that holds only the token, such as `x-api-key`.
    Header(HeaderName),
    /// A query parameter. Its name is case-sensitive; percent-encoding makes no difference.
    ///
    /// URLs end up in logs, in histories and in `Referer`. Use it only for clients that cannot send
    /// a header.
    Query(Box<str>),
    /// A subprotocol in `Sec-WebSocket-Protocol`, for browsers:
    /// `base64url.bearer.authorization.k8s.io.<token in base64url without padding>`, as in
    /// Kubernetes, or `openai-insecure-api-key.<token>`, as in OpenAI's Realtime API.
    ///
    /// The client must also offer another subprotocol, which the server can choose.
    WebSocketProtocol,
    /// `Authorization: Basic` ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
    ///
    /// The token is the password, or the user name if the password is empty.
    Basic,
}

impl KeyLocation {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Header(name) if is_reserved(name) => Err(ConfigError::new(
                ConfigErrorKind::ReservedHeader,
                format!("the header {name} cannot hold a key; choose another"),
            )),
            Self::Query(name) if !needs_no_encoding(name) => Err(ConfigError::new(
                ConfigErrorKind::InvalidQueryParameter,
                format!("{name:?} is not a name for a query parameter; use A-Z a-z 0-9 - . _ ~"),
            )),
            _ => Ok(()),
        }
    }
}

/// Returns whether a header cannot be a location: the request needs it, or it has a syntax of its
/// own.
///
/// The layer removes the headers of all locations from the request.
fn is_reserved(name: &HeaderName) -> bool {
    [
        header::AUTHORIZATION,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::COOKIE,
        header::HOST,
        header::PROXY_AUTHORIZATION,
        header::SEC_WEBSOCKET_PROTOCOL,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ]
    .contains(name)
}

/// Returns whether a name has only RFC 3986's unreserved characters, which all decoders read alike.
fn needs_no_encoding(name: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    !name.is_empty() && name.bytes().all(unreserved)
}
