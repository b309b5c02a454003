//! The word before a key in `Authorization`.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::tchar::is_tchar;

/// An authentication scheme: the word before the key in `Authorization`
/// ([RFC 9110 §11.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.1)), such as `Bearer` or `ApiKey`.
///
/// It is sent as it is written, though servers should take it in any case.
///
/// ```
/// use tower_rotating_auth::{Secret, outbound::{AuthScheme, Credential, InvalidScheme}};
///
/// let key = Secret::from("0a1b");
/// assert_eq!(Credential::scheme(&AuthScheme::TOKEN, &key)?.value(), "Token 0a1b");
///
/// let okta: AuthScheme = "SSWS".parse()?;
/// assert_eq!(Credential::scheme(&okta, &key)?.value(), "SSWS 0a1b");
/// assert_eq!("Api Key".parse::<AuthScheme>(), Err(InvalidScheme));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthScheme(Cow<'static, str>);

/// Something is not an authentication scheme: a token by
/// [RFC 9110 §5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidScheme;

impl AuthScheme {
    /// `ApiKey`, as Elasticsearch has it.
    pub const API_KEY: Self = Self(Cow::Borrowed("ApiKey"));
    /// `Basic`: the key is the base64 of `user:password`
    /// ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
    pub const BASIC: Self = Self(Cow::Borrowed("Basic"));
    /// `Bearer` ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)).
    pub const BEARER: Self = Self(Cow::Borrowed("Bearer"));
    /// `Token`, as InfluxDB, Deepgram and what is made with Django REST framework have it.
    pub const TOKEN: Self = Self(Cow::Borrowed("Token"));

    /// The scheme, as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AuthScheme {
    type Err = InvalidScheme;

    fn from_str(scheme: &str) -> Result<Self, InvalidScheme> {
        let is_token = !scheme.is_empty() && scheme.bytes().all(is_tchar);
        let scheme = is_token.then(|| scheme.to_owned()).ok_or(InvalidScheme)?;
        Ok(Self(Cow::Owned(scheme)))
    }
}

impl fmt::Display for InvalidScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an authentication scheme is one word, such as Token or ApiKey")
    }
}

impl Error for InvalidScheme {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_one_token_and_is_kept_as_it_is_written() {
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
            assert_eq!(other.parse::<AuthScheme>(), Err(InvalidScheme), "{other}");
        }
    }
}
