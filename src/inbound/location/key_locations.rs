//! Where a service looks for tokens.

use http::header::HeaderName;

use super::key_location::KeyLocation;
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};

/// Keys are shorter; what is longer is a signed token, or an attack.
const MAX_TOKEN_LEN: usize = 512;

/// The slots that are read, all of them on each request, and taken off it before anybody else sees it.
///
/// The default ones are what clients of AI services use: `Authorization: Bearer`, `x-api-key`, `api-key`
/// and `x-goog-api-key`.
///
/// ```
/// use http::{HeaderMap, Uri};
/// use tower_rotating_auth::inbound::{AuthErrorKind, KeyLocations};
///
/// let slots = KeyLocations::default();
/// let mut headers = HeaderMap::new();
/// let mut uri = Uri::from_static("/v1/models");
/// assert_eq!(slots.extract(&headers, &uri).unwrap_err().kind(), AuthErrorKind::Missing);
///
/// headers.insert("authorization", "bearer  sk-1f0c".parse()?);
/// assert_eq!(slots.extract(&headers, &uri)?.bytes(), b"sk-1f0c");
///
/// headers.insert("x-api-key", "sk-2a9e".parse()?);
/// assert_eq!(slots.extract(&headers, &uri).unwrap_err().kind(), AuthErrorKind::Conflict);
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
    pub fn new(slots: impl IntoIterator<Item = KeyLocation>) -> Result<Self, ConfigError> {
        let list: Box<[KeyLocation]> = slots.into_iter().collect();
        if list.is_empty() {
            return Err(ConfigError::new(
                ConfigErrorKind::NoLocations,
                "no key locations configured; add at least one",
            ));
        }
        for (n, slot) in list.iter().enumerate() {
            slot.check()?;
            if list[..n].contains(slot) {
                let message = format!("the key location {slot:?} is listed twice; remove one");
                return Err(ConfigError::new(
                    ConfigErrorKind::DuplicateLocation,
                    message,
                ));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_that_would_do_harm_are_not_built() {
        let header = |name| KeyLocation::Header(HeaderName::from_static(name));
        let query = |name: &str| KeyLocation::Query(name.into());
        let cases = [
            (vec![], ConfigErrorKind::NoLocations),
            (
                vec![header("api-key"), KeyLocation::Basic, header("api-key")],
                ConfigErrorKind::DuplicateLocation,
            ),
            (
                vec![KeyLocation::Bearer, header("cookie")],
                ConfigErrorKind::ReservedHeader,
            ),
            (
                vec![header("authorization")],
                ConfigErrorKind::ReservedHeader,
            ),
            (vec![query("")], ConfigErrorKind::InvalidQueryParameter),
            (vec![query("a b")], ConfigErrorKind::InvalidQueryParameter),
            (vec![query("a+b")], ConfigErrorKind::InvalidQueryParameter),
        ];
        for (locations, kind) in cases {
            let error = KeyLocations::new(locations).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
    }

    #[test]
    fn the_default_slots_pass_the_check_that_others_have_to() {
        let default = KeyLocations::default();
        assert_eq!(KeyLocations::new(default.as_slice().to_vec()), Ok(default));
    }
}
