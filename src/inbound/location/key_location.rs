//! Where in a request a client may put its token.

use http::header::{self, HeaderName};

use crate::inbound::config_error::{ConfigError, ConfigErrorKind};

/// One place in a request where a client may put its token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyLocation {
    /// `Authorization: Bearer <token>` ([RFC 6750 §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
    /// The scheme is read in any case, with one space or more after it.
    Bearer,
    /// A header that holds the token and nothing else, as `x-api-key` does.
    Header(HeaderName),
    /// A query parameter, named without regard to percent-encoding but with regard to case. URLs end up
    /// in logs, histories and `Referer`: for clients that can send no header, and for no others.
    Query(Box<str>),
    /// An entry `base64url.bearer.authorization.k8s.io.<token in base64url without padding>` of
    /// `Sec-WebSocket-Protocol`, for browsers, as Kubernetes has it. The client has to offer another
    /// subprotocol beside it, for the server to choose.
    WebSocketProtocol,
    /// `Authorization: Basic` ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)): the password is the token, or the
    /// user name where the password is empty.
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

/// KeyLocations take their headers off the request: not what the request cannot do without, nor what has a
/// syntax of its own.
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

/// RFC 3986's unreserved characters: every decoder reads them alike.
fn needs_no_encoding(name: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    !name.is_empty() && name.bytes().all(unreserved)
}
