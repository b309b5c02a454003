//! Where a service looks for tokens.

use super::key_location::KeyLocation;
use http::header::HeaderName;
use std::error::Error;
use std::fmt;

/// Keys are shorter; what is longer is a signed token, or an attack.
const MAX_TOKEN_LEN: usize = 512;

/// The slots that are read, all of them on each request, and taken off it before anybody else sees it.
///
/// The default ones are what clients of AI services use: `Authorization: Bearer`, `x-api-key`, `api-key`
/// and `x-goog-api-key`.
///
/// ```
/// use http::{HeaderMap, Uri};
/// use tower_rotating_auth::inbound::{AuthError, KeyLocations};
///
/// let slots = KeyLocations::default();
/// let mut headers = HeaderMap::new();
/// let mut uri = Uri::from_static("/v1/models");
/// assert_eq!(slots.extract(&headers, &uri).unwrap_err(), AuthError::Missing);
///
/// headers.insert("authorization", "bearer  sk-1f0c".parse()?);
/// assert_eq!(slots.extract(&headers, &uri)?.bytes(), b"sk-1f0c");
///
/// headers.insert("x-api-key", "sk-2a9e".parse()?);
/// assert_eq!(slots.extract(&headers, &uri).unwrap_err(), AuthError::Conflict);
///
/// slots.strip(&mut headers, &mut uri);
/// assert!(headers.is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLocations {
    list: Box<[KeyLocation]>,
    pub(crate) max_token_len: usize,
}

impl KeyLocations {
    /// These slots, for tokens of up to 512 bytes.
    ///
    /// # Errors
    ///
    /// When there is no slot, one slot twice, or one that cannot be read and taken off without harm.
    pub fn new(slots: impl IntoIterator<Item = KeyLocation>) -> Result<Self, InvalidKeyLocations> {
        let list: Box<[KeyLocation]> = slots.into_iter().collect();
        if list.is_empty() {
            return Err(InvalidKeyLocations::Empty);
        }
        for (n, slot) in list.iter().enumerate() {
            slot.check()?;
            if list[..n].contains(slot) {
                return Err(InvalidKeyLocations::Repeated(slot.clone()));
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

    /// The slots, in the order in which they were given: [`Token::slot`](crate::inbound::Token::slot) counts in it.
    #[must_use]
    pub fn as_slice(&self) -> &[KeyLocation] {
        &self.list
    }
}

impl Default for KeyLocations {
    fn default() -> Self {
        let header = |name| KeyLocation::Header(HeaderName::from_static(name));
        Self {
            list: [
                KeyLocation::Bearer,
                header("x-api-key"),
                header("api-key"),
                header("x-goog-api-key"),
            ]
            .into(),
            max_token_len: MAX_TOKEN_LEN,
        }
    }
}

/// Why some slots are no [`KeyLocations`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKeyLocations {
    /// There is none, and no client could present a token.
    Empty,
    /// This one is there twice.
    Repeated(KeyLocation),
    /// A header that HTTP or another slot has its own use for.
    Header(HeaderName),
    /// The name of a query parameter is empty, or has other characters than `A-Z a-z 0-9 - . _ ~`.
    Query(Box<str>),
}

impl fmt::Display for InvalidKeyLocations {
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

impl Error for InvalidKeyLocations {}
