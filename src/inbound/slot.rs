//! Where in a request a client may put its token.

use std::error::Error;
use std::fmt;

use http::header::{self, HeaderName};

/// Keys are shorter; what is longer is a signed token, or an attack.
const MAX_TOKEN_LEN: usize = 512;

/// One place in a request where a client may put its token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Slot {
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

impl Slot {
    fn check(&self) -> Result<(), InvalidSlots> {
        match self {
            Self::Header(name) if has_other_use(name) => Err(InvalidSlots::Header(name.clone())),
            Self::Query(name) if !needs_no_encoding(name) => Err(InvalidSlots::Query(name.clone())),
            _ => Ok(()),
        }
    }
}

/// Slots take their headers off the request: not what the request cannot do without, nor what has a
/// syntax of its own.
fn has_other_use(name: &HeaderName) -> bool {
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

/// The slots that are read, all of them on each request, and taken off it before anybody else sees it.
///
/// The default ones are what clients of AI services use: `Authorization: Bearer`, `x-api-key`, `api-key`
/// and `x-goog-api-key`.
///
/// ```
/// use http::{HeaderMap, Uri};
/// use tower_rotating_auth::{Refusal, Slots};
///
/// let slots = Slots::default();
/// let mut headers = HeaderMap::new();
/// let mut uri = Uri::from_static("/v1/models");
/// assert_eq!(slots.extract(&headers, &uri).unwrap_err(), Refusal::Missing);
///
/// headers.insert("authorization", "bearer  sk-1f0c".parse()?);
/// assert_eq!(slots.extract(&headers, &uri)?.bytes(), b"sk-1f0c");
///
/// headers.insert("x-api-key", "sk-2a9e".parse()?);
/// assert_eq!(slots.extract(&headers, &uri).unwrap_err(), Refusal::Conflict);
///
/// slots.strip(&mut headers, &mut uri);
/// assert!(headers.is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    list: Box<[Slot]>,
    pub(super) max_token_len: usize,
}

impl Slots {
    /// These slots, for tokens of up to 512 bytes.
    ///
    /// # Errors
    ///
    /// When there is no slot, one slot twice, or one that cannot be read and taken off without harm.
    pub fn new(slots: impl IntoIterator<Item = Slot>) -> Result<Self, InvalidSlots> {
        let list: Box<[Slot]> = slots.into_iter().collect();
        if list.is_empty() {
            return Err(InvalidSlots::Empty);
        }
        for (n, slot) in list.iter().enumerate() {
            slot.check()?;
            if list[..n].contains(slot) {
                return Err(InvalidSlots::Repeated(slot.clone()));
            }
        }
        Ok(Self {
            list,
            max_token_len: MAX_TOKEN_LEN,
        })
    }

    /// Refuses tokens of more `bytes`, before anything is computed from them.
    #[must_use]
    pub const fn max_token_len(mut self, bytes: usize) -> Self {
        self.max_token_len = bytes;
        self
    }

    /// The slots, in the order in which they were given: [`Token::slot`](super::Token::slot) counts in it.
    #[must_use]
    pub fn as_slice(&self) -> &[Slot] {
        &self.list
    }
}

impl Default for Slots {
    fn default() -> Self {
        let header = |name| Slot::Header(HeaderName::from_static(name));
        Self {
            list: [
                Slot::Bearer,
                header("x-api-key"),
                header("api-key"),
                header("x-goog-api-key"),
            ]
            .into(),
            max_token_len: MAX_TOKEN_LEN,
        }
    }
}

/// Why some slots are no [`Slots`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidSlots {
    /// There is none, and no client could present a token.
    Empty,
    /// This one is there twice.
    Repeated(Slot),
    /// A header that HTTP or another slot has its own use for.
    Header(HeaderName),
    /// The name of a query parameter is empty, or has other characters than `A-Z a-z 0-9 - . _ ~`.
    Query(Box<str>),
}

impl fmt::Display for InvalidSlots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no slot for a token"),
            Self::Repeated(slot) => write!(f, "the slot {slot:?} is there twice"),
            Self::Header(name) => write!(f, "the header {name} is not for keys"),
            Self::Query(name) => write!(
                f,
                "{name:?} is not a name for a query parameter: use A-Z a-z 0-9 - . _ ~"
            ),
        }
    }
}

impl Error for InvalidSlots {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_that_would_do_harm_are_not_built() {
        let header = |name| Slot::Header(HeaderName::from_static(name));
        let query = |name: &str| Slot::Query(name.into());
        let cases = [
            (vec![], InvalidSlots::Empty),
            (
                vec![header("api-key"), Slot::Basic, header("api-key")],
                InvalidSlots::Repeated(header("api-key")),
            ),
            (
                vec![Slot::Bearer, header("cookie")],
                InvalidSlots::Header(header::COOKIE),
            ),
            (
                vec![header("authorization")],
                InvalidSlots::Header(header::AUTHORIZATION),
            ),
            (vec![query("")], InvalidSlots::Query("".into())),
            (vec![query("a b")], InvalidSlots::Query("a b".into())),
            (vec![query("a+b")], InvalidSlots::Query("a+b".into())),
        ];
        for (slots, why) in cases {
            assert_eq!(Slots::new(slots), Err(why));
        }
    }

    #[test]
    fn the_default_slots_pass_the_check_that_others_have_to() {
        let default = Slots::default();
        assert_eq!(Slots::new(default.as_slice().to_vec()), Ok(default));
    }
}
