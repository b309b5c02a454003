//! The word before a key in `Authorization`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::outbound::error::{ConfigError, ConfigErrorKind};
use crate::syntax::tchar::is_tchar;

/// An authentication scheme: the word before the key in `Authorization`
/// ([RFC 9110 §11.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.1)), such as `Bearer`.
///
/// It is sent exactly as written, although servers should ignore its case.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::{Secret, outbound::{AuthScheme, ConfigErrorKind, Credential}};
///
/// let key = Secret::from("0a1b");
/// assert_eq!(Credential::scheme(&AuthScheme::TOKEN, &key)?.value(), "Token 0a1b");
///
/// let okta: AuthScheme = "SSWS".parse()?;
/// assert_eq!(Credential::scheme(&okta, &key)?.value(), "SSWS 0a1b");
///
/// let invalid = "Api Key".parse::<AuthScheme>().unwrap_err();
/// assert_eq!(invalid.kind(), ConfigErrorKind::AuthScheme);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AuthScheme(Name);

/// A name that is cloned for each request, and so without an allocation.
#[derive(Clone)]
enum Name {
    Static(&'static str),
    Shared(Arc<str>),
}

impl AuthScheme {
    /// `ApiKey`, used by Elasticsearch.
    pub const API_KEY: Self = Self(Name::Static("ApiKey"));
    /// `Basic`, whose key is the base64 of `user:password`
    /// ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
    pub const BASIC: Self = Self(Name::Static("Basic"));
    /// `Bearer` ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)).
    pub const BEARER: Self = Self(Name::Static("Bearer"));
    /// `Token`, used by InfluxDB, Deepgram and Django REST framework.
    pub const TOKEN: Self = Self(Name::Static("Token"));

    /// Returns the scheme as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Name::Static(name) => name,
            Name::Shared(name) => name,
        }
    }
}

impl PartialEq for AuthScheme {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for AuthScheme {}

impl fmt::Debug for AuthScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuthScheme").field(&self.as_str()).finish()
    }
}

/// Parses a token of HTTP
/// ([RFC 9110 §5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)).
impl FromStr for AuthScheme {
    type Err = ConfigError;

    fn from_str(scheme: &str) -> Result<Self, ConfigError> {
        if scheme.is_empty() || !scheme.bytes().all(is_tchar) {
            return Err(ConfigErrorKind::AuthScheme.into());
        }
        Ok(Self(Name::Shared(scheme.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_schemes_are_written_alike() {
        assert_eq!("Token".parse(), Ok(AuthScheme::TOKEN));
        assert_ne!("token".parse(), Ok(AuthScheme::TOKEN));
        assert_eq!(format!("{:?}", AuthScheme::TOKEN), "AuthScheme(\"Token\")");
    }

    #[test]
    fn scheme_is_one_token_kept_as_written() {
        for scheme in ["Token", "DeepL-Auth-Key", "a.b+c", "!#$%&'*+-.^_`|~"] {
            assert_eq!(scheme.parse::<AuthScheme>().unwrap().as_str(), scheme);
        }
        for other in [
            "",
            " ",
            "Api Key",
            "Key:",
            "Key=",
            "Token\r\nX: y",
            "Schlüssel",
            "(a)",
            "a,b",
        ] {
            let error = other.parse::<AuthScheme>().unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::AuthScheme, "{other}");
        }
    }
}
