//! All locations of tokens that a service reads.

use http::header::HeaderName;

use super::key_location::KeyLocation;
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};

/// API keys are shorter. A longer token is a signed one, or an attack.
const MAX_TOKEN_LEN: usize = 512;

/// The places in a request where a client may put its token.
///
/// The layer reads all of them on each request, and removes their content before the inner service
/// sees it. The default is what clients of AI services use: `Authorization: Bearer`, `x-api-key`,
/// `api-key` and `x-goog-api-key`.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, Uri};
/// use tower_rotating_auth::inbound::{AuthErrorKind, KeyLocations};
///
/// let locations = KeyLocations::default();
/// let mut headers = HeaderMap::new();
/// let mut uri = Uri::from_static("/v1/models");
/// assert_eq!(locations.extract(&headers, &uri).unwrap_err().kind(), AuthErrorKind::Missing);
///
/// headers.insert("authorization", "bearer  sk-1f0c".parse()?);
/// assert_eq!(locations.extract(&headers, &uri)?.bytes(), b"sk-1f0c");
///
/// headers.insert("x-api-key", "sk-2a9e".parse()?);
/// assert_eq!(locations.extract(&headers, &uri).unwrap_err().kind(), AuthErrorKind::Conflict);
///
/// locations.strip(&mut headers, &mut uri);
/// assert!(headers.is_empty());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLocations {
    list: Box<[KeyLocation]>,
    pub(crate) max_token_len: usize,
}

impl KeyLocations {
    /// Creates a list of locations.
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    ///
    /// - [`NoLocations`](ConfigErrorKind::NoLocations) if the list is empty;
    /// - [`DuplicateLocation`](ConfigErrorKind::DuplicateLocation) if it has one location twice;
    /// - [`ReservedHeader`](ConfigErrorKind::ReservedHeader) if HTTP or another location needs the
    ///   header;
    /// - [`InvalidQueryParameter`](ConfigErrorKind::InvalidQueryParameter) if the name of a query
    ///   parameter is empty, or has other characters than `A-Z a-z 0-9 - . _ ~`.
    pub fn new(locations: impl IntoIterator<Item = KeyLocation>) -> Result<Self, ConfigError> {
        let list: Box<[KeyLocation]> = locations.into_iter().collect();
        if list.is_empty() {
            return Err(ConfigError::new(
                ConfigErrorKind::NoLocations,
                "no key locations configured; add at least one",
            ));
        }
        for (n, location) in list.iter().enumerate() {
            location.check()?;
            if list[..n].contains(location) {
                let message = format!("the key location {location:?} is listed twice; remove one");
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

    /// Sets the maximum length of a token, in bytes. Defaults to 512.
    ///
    /// A longer token is refused before anything is computed from it.
    #[must_use]
    pub const fn max_token_len(mut self, bytes: usize) -> Self {
        self.max_token_len = bytes;
        self
    }

    /// Returns the locations in the order of the list.
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
    fn new_rejects_invalid_locations() {
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
    fn default_locations_are_valid() {
        let default = KeyLocations::default();
        assert_eq!(KeyLocations::new(default.as_slice().to_vec()), Ok(default));
    }
}
