//! The word before a key in `Authorization`.

use std::borrow::Cow;
use std::str::FromStr;

use super::error::{ConfigError, ConfigErrorKind};
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthScheme(Cow<'static, str>);

impl AuthScheme {
    /// `ApiKey`, used by Elasticsearch.
    pub const API_KEY: Self = Self(Cow::Borrowed("ApiKey"));
    /// `Basic`, whose key is the base64 of `user:password`
    /// ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
    pub const BASIC: Self = Self(Cow::Borrowed("Basic"));
    /// `Bearer` ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)).
    pub const BEARER: Self = Self(Cow::Borrowed("Bearer"));
    /// `Token`, used by InfluxDB, Deepgram and Django REST framework.
    pub const TOKEN: Self = Self(Cow::Borrowed("Token"));

    /// Returns the scheme as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
        Ok(Self(Cow::Owned(scheme.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
