//! What `WWW-Authenticate` says.

use http::{HeaderValue, Uri};

use super::error::AuthError;
use super::kind::ErrorClass;
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};
use crate::inbound::location::{KeyLocation, KeyLocations};

/// The same for everything that can be wrong with a token.
pub(crate) const INVALID_TOKEN: &str = "The access token is invalid or expired";

/// The challenges of one realm.
#[derive(Clone, Debug)]
pub(crate) struct Challenges {
    /// `Bearer` without an error, which the others start with.
    bearer: HeaderValue,
    basic: HeaderValue,
    schemes: Schemes,
}

#[derive(Clone, Copy, Debug)]
enum Schemes {
    Bearer,
    BearerAndBasic,
}

impl Challenges {
    pub(crate) fn new(realm: &str) -> Result<Self, ConfigError> {
        if realm.trim().is_empty() {
            return Err(invalid_realm(realm));
        }
        let line = |scheme| {
            let realm = quoted(realm)?;
            HeaderValue::try_from(format!("{scheme} realm={realm}")).ok()
        };
        Ok(Self {
            bearer: line("Bearer").ok_or_else(|| invalid_realm(realm))?,
            basic: line("Basic").ok_or_else(|| invalid_realm(realm))?,
            schemes: Schemes::Bearer,
        })
    }

    pub(crate) fn resource_metadata(self, url: &str) -> Result<Self, ConfigError> {
        let parsed = url.parse::<Uri>().ok();
        let scheme = parsed.as_ref().and_then(Uri::scheme_str);
        if !matches!(scheme, Some("https" | "http")) || url.contains('#') {
            return Err(invalid_metadata_url(url));
        }
        let bearer = quoted(url)
            .and_then(|quoted| extended(&self.bearer, &format!("resource_metadata={quoted}")))
            .ok_or_else(|| invalid_metadata_url(url))?;
        Ok(Self { bearer, ..self })
    }

    /// Asks for `Basic` exactly if it is read.
    pub(crate) fn locations(self, locations: &KeyLocations) -> Self {
        let schemes = if locations.as_slice().contains(&KeyLocation::Basic) {
            Schemes::BearerAndBasic
        } else {
            Schemes::Bearer
        };
        Self { schemes, ..self }
    }

    /// The lines for a refusal: the scheme that every client knows comes first, and each has a line of its own,
    /// since clients are bad at taking lists of them apart.
    pub(crate) fn of(&self, error: &AuthError) -> impl Iterator<Item = HeaderValue> {
        let bearer = self.bearer(error);
        let basic = match (self.schemes, error.kind().class()) {
            (Schemes::BearerAndBasic, ErrorClass::NothingPresented | ErrorClass::InvalidToken) => {
                Some(self.basic.clone())
            }
            _ => None,
        };
        bearer.into_iter().chain(basic)
    }

    fn bearer(&self, error: &AuthError) -> Option<HeaderValue> {
        let parameters = match error.kind().class() {
            ErrorClass::NothingPresented => return Some(self.bearer.clone()),
            ErrorClass::InvalidToken => {
                format!("error=\"invalid_token\", error_description=\"{INVALID_TOKEN}\"")
            }
            ErrorClass::InvalidRequest => "error=\"invalid_request\"".to_owned(),
            ErrorClass::InsufficientScope => match error.required_scopes() {
                // What a scope consists of needs no escapes.
                Some(scopes) if !scopes.is_empty() => {
                    format!("error=\"insufficient_scope\", scope=\"{scopes}\"")
                }
                _ => "error=\"insufficient_scope\"".to_owned(),
            },
            ErrorClass::Forbidden | ErrorClass::Unavailable | ErrorClass::Internal => return None,
        };
        // None of these has a byte that a header cannot hold; a challenge that says less is still one.
        Some(extended(&self.bearer, &parameters).unwrap_or_else(|| self.bearer.clone()))
    }
}

impl Default for Challenges {
    fn default() -> Self {
        Self {
            bearer: HeaderValue::from_static(r#"Bearer realm="api""#),
            basic: HeaderValue::from_static(r#"Basic realm="api""#),
            schemes: Schemes::Bearer,
        }
    }
}

fn extended(challenge: &HeaderValue, parameters: &str) -> Option<HeaderValue> {
    let line = [challenge.as_bytes(), parameters.as_bytes()].join(&b", "[..]);
    HeaderValue::try_from(line).ok()
}

/// A `quoted-string` of [RFC 9110 §5.6.4](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.4). Control characters have no place
/// in one, and what bytes beyond ASCII mean there is not settled.
fn quoted(text: &str) -> Option<String> {
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    Some(quoted)
}

fn invalid_realm(realm: &str) -> ConfigError {
    let message = format!("the realm {realm:?} is not valid; use visible ASCII and spaces");
    ConfigError::new(ConfigErrorKind::InvalidRealm, message)
}

fn invalid_metadata_url(url: &str) -> ConfigError {
    let message = format!(
        "{url:?} is not a URL for resource metadata; use https://host/path, in ASCII and without a fragment"
    );
    ConfigError::new(ConfigErrorKind::InvalidMetadataUrl, message)
}

#[cfg(test)]
mod tests {
    use http_auth::parse_challenges;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        assert_eq!(quoted(r#"a"b\c d"#).unwrap(), r#""a\"b\\c d""#);
        assert_eq!(quoted("").unwrap(), r#""""#);
    }

    #[test]
    fn what_could_end_the_line_is_no_realm() {
        for realm in ["", " ", "a\r\nSet-Cookie: b", "a\tb", "a\0", "a\x7f", "é"] {
            let challenges = Challenges::new(realm);
            let kind = challenges.unwrap_err().kind();
            assert_eq!(kind, ConfigErrorKind::InvalidRealm, "{realm:?}");
        }
    }

    #[test]
    fn the_metadata_is_at_a_url_that_does_not_depend_on_the_request() {
        for url in [
            "",
            "/.well-known/oauth-protected-resource",
            "api.example.com",
            "ftp://api.example.com/",
            "https://api.example.com/#part",
            "https://api.example.com/\r\nSet-Cookie: a",
            "https://api.example.com/é",
        ] {
            let challenges = Challenges::new("api").unwrap().resource_metadata(url);
            let kind = challenges.unwrap_err().kind();
            assert_eq!(kind, ConfigErrorKind::InvalidMetadataUrl, "{url:?}");
        }
    }

    proptest! {
        #[test]
        fn another_parser_reads_back_what_was_quoted(text in "[ -~]*") {
            let line = format!("Bearer realm={}, error={}", quoted(&text).unwrap(), quoted("e").unwrap());
            let challenges = parse_challenges(&line).unwrap();
            prop_assert_eq!(challenges.len(), 1);
            let parameters: Vec<_> = challenges[0]
                .params
                .iter()
                .map(|(name, value)| (*name, value.to_unescaped()))
                .collect();
            prop_assert_eq!(parameters, [("realm", text), ("error", "e".to_owned())]);
        }

        #[test]
        fn whatever_is_quoted_fits_a_header(text in any::<String>()) {
            if let Some(quoted) = quoted(&text) {
                prop_assert!(HeaderValue::try_from(quoted).is_ok());
            }
        }
    }
}
