//! What `WWW-Authenticate` says.

use std::error::Error;
use std::fmt;

use http::{HeaderValue, Uri};

use super::error::{AuthError, Kind};
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
    pub(crate) fn new(realm: &str) -> Result<Self, InvalidChallenge> {
        if realm.trim().is_empty() {
            return Err(InvalidChallenge::Realm);
        }
        let line = |scheme| {
            let realm = quoted(realm)?;
            HeaderValue::try_from(format!("{scheme} realm={realm}")).ok()
        };
        Ok(Self {
            bearer: line("Bearer").ok_or(InvalidChallenge::Realm)?,
            basic: line("Basic").ok_or(InvalidChallenge::Realm)?,
            schemes: Schemes::Bearer,
        })
    }

    pub(crate) fn resource_metadata(self, url: &str) -> Result<Self, InvalidChallenge> {
        let parsed = url.parse::<Uri>().ok();
        let scheme = parsed.as_ref().and_then(Uri::scheme_str);
        if !matches!(scheme, Some("https" | "http")) || url.contains('#') {
            return Err(InvalidChallenge::ResourceMetadata);
        }
        let bearer = quoted(url)
            .and_then(|url| extended(&self.bearer, &format!("resource_metadata={url}")))
            .ok_or(InvalidChallenge::ResourceMetadata)?;
        Ok(Self { bearer, ..self })
    }

    /// Asks for `Basic` exactly if it is read.
    pub(crate) fn slots(self, slots: &KeyLocations) -> Self {
        let schemes = if slots.as_slice().contains(&KeyLocation::Basic) {
            Schemes::BearerAndBasic
        } else {
            Schemes::Bearer
        };
        Self { schemes, ..self }
    }

    /// The lines for a refusal: the scheme that every client knows comes first, and each has a line of its own,
    /// since clients are bad at taking lists of them apart.
    pub(crate) fn of(&self, refusal: &AuthError) -> impl Iterator<Item = HeaderValue> {
        let bearer = self.bearer(refusal);
        let basic = match (self.schemes, refusal.kind()) {
            (Schemes::BearerAndBasic, Kind::NothingPresented | Kind::InvalidToken) => {
                Some(self.basic.clone())
            }
            _ => None,
        };
        bearer.into_iter().chain(basic)
    }

    fn bearer(&self, refusal: &AuthError) -> Option<HeaderValue> {
        let error = match refusal.kind() {
            Kind::NothingPresented => return Some(self.bearer.clone()),
            Kind::InvalidToken => {
                format!("error=\"invalid_token\", error_description=\"{INVALID_TOKEN}\"")
            }
            Kind::InvalidRequest => "error=\"invalid_request\"".to_owned(),
            Kind::InsufficientScope => match refusal {
                // What a scope consists of needs no escapes.
                AuthError::InsufficientScope(scopes) if !scopes.is_empty() => {
                    format!("error=\"insufficient_scope\", scope=\"{scopes}\"")
                }
                _ => "error=\"insufficient_scope\"".to_owned(),
            },
            Kind::Forbidden | Kind::Unavailable | Kind::Internal => return None,
        };
        // None of these has a byte that a header cannot hold; a challenge that says less is still one.
        Some(extended(&self.bearer, &error).unwrap_or_else(|| self.bearer.clone()))
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

/// Why something cannot be part of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidChallenge {
    /// The realm is blank, or not visible ASCII and spaces.
    Realm,
    /// The address of the resource's metadata is not an absolute URL of the web without a fragment, in ASCII.
    ResourceMetadata,
}

impl fmt::Display for InvalidChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Realm => "a realm is visible ASCII and spaces",
            Self::ResourceMetadata => {
                "the resource's metadata has a URL of the form https://host/path, in ASCII and without a fragment"
            }
        })
    }
}

impl Error for InvalidChallenge {}

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
            assert_eq!(
                challenges.unwrap_err(),
                InvalidChallenge::Realm,
                "{realm:?}"
            );
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
            let why = InvalidChallenge::ResourceMetadata;
            assert_eq!(challenges.unwrap_err(), why, "{url:?}");
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
