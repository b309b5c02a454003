//! The challenges in `WWW-Authenticate`.

use http::{HeaderValue, Uri};

use super::error::AuthError;
use super::kind::ErrorClass;
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};
use crate::inbound::key::Scopes;
use crate::inbound::location::{KeyLocation, KeyLocations};

/// The description for everything that can be wrong with a token, so that it discloses nothing.
pub(crate) const INVALID_TOKEN: &str = "The access token is invalid or expired";

/// The challenges of one realm.
#[derive(Clone, Debug)]
pub(crate) struct Challenges {
    realm: Realm,
    /// The URL of the resource metadata, as a `quoted-string`.
    resource_metadata: Option<Box<str>>,
    /// `Bearer` without an error. The challenges with an error start with it.
    bearer: HeaderValue,
    basic: HeaderValue,
    schemes: Schemes,
    /// The scopes that a 401 asks for.
    scopes: Scopes,
}

/// A name for what the keys protect, as a `quoted-string`.
#[derive(Clone, Debug)]
pub(crate) struct Realm(Box<str>);

impl Realm {
    pub(crate) fn new(realm: &str) -> Result<Self, ConfigError> {
        let quoted = quoted(realm).filter(|_| !realm.trim().is_empty());
        let quoted = quoted.ok_or_else(|| invalid_realm(realm))?;
        Ok(Self(quoted.into()))
    }
}

impl Default for Realm {
    fn default() -> Self {
        Self(r#""api""#.into())
    }
}

#[derive(Clone, Copy, Debug)]
enum Schemes {
    Bearer,
    BearerAndBasic,
}

impl Challenges {
    pub(crate) fn new(realm: Realm) -> Self {
        let basic = line(format!("Basic realm={}", realm.0));
        let bearer = bearer(&realm, None);
        Self {
            realm,
            resource_metadata: None,
            bearer,
            basic,
            schemes: Schemes::Bearer,
            scopes: Scopes::default(),
        }
    }

    /// Sets the realm, and keeps everything else.
    pub(crate) fn realm(self, realm: Realm) -> Self {
        Self {
            bearer: bearer(&realm, self.resource_metadata.as_deref()),
            basic: line(format!("Basic realm={}", realm.0)),
            realm,
            ..self
        }
    }

    /// Sets the scopes that a 401 asks for. A 403 names those of its own operation.
    pub(crate) fn scopes(self, scopes: Scopes) -> Self {
        Self { scopes, ..self }
    }

    pub(crate) fn resource_metadata(self, url: &str) -> Result<Self, ConfigError> {
        let parsed = url.parse::<Uri>().ok();
        let scheme = parsed.as_ref().and_then(Uri::scheme_str);
        let authority = parsed.as_ref().and_then(Uri::authority);
        let has_user = authority.is_some_and(|authority| authority.as_str().contains('@'));
        if !matches!(scheme, Some("https" | "http")) || url.contains('#') || has_user {
            return Err(invalid_metadata_url());
        }
        let quoted = quoted(url).ok_or_else(invalid_metadata_url)?;
        Ok(Self {
            bearer: bearer(&self.realm, Some(&quoted)),
            resource_metadata: Some(quoted.into()),
            ..self
        })
    }

    /// Adds a `Basic` challenge if `Basic` is among the locations.
    pub(crate) fn locations(self, locations: &KeyLocations) -> Self {
        let schemes = if locations.as_slice().contains(&KeyLocation::Basic) {
            Schemes::BearerAndBasic
        } else {
            Schemes::Bearer
        };
        Self { schemes, ..self }
    }

    /// Returns the header lines for an error.
    ///
    /// `Bearer` comes first, since every client knows it. Each challenge has a line of its own,
    /// since many clients cannot parse a list of challenges.
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
        let none = Scopes::default();
        let (parameters, scopes) = match error.kind().class() {
            ErrorClass::NothingPresented => (String::new(), &self.scopes),
            ErrorClass::InvalidToken => {
                let description = format!("error_description=\"{INVALID_TOKEN}\"");
                (
                    format!("error=\"invalid_token\", {description}"),
                    &self.scopes,
                )
            }
            ErrorClass::InvalidRequest => ("error=\"invalid_request\"".to_owned(), &none),
            ErrorClass::InsufficientScope => {
                let scopes = error.required_scopes().unwrap_or(&none);
                ("error=\"insufficient_scope\"".to_owned(), scopes)
            }
            ErrorClass::Forbidden | ErrorClass::Unavailable | ErrorClass::Internal => return None,
        };
        let parameters = with_scope(&parameters, scopes);
        if parameters.is_empty() {
            return Some(self.bearer.clone());
        }
        // All parameters are visible ASCII, so this cannot fail. The fallback is a valid challenge,
        // too.
        let line = [self.bearer.as_bytes(), parameters.as_bytes()].join(&b", "[..]);
        Some(HeaderValue::try_from(line).unwrap_or_else(|_| self.bearer.clone()))
    }
}

impl Default for Challenges {
    fn default() -> Self {
        Self::new(Realm::default())
    }
}

/// Returns the challenge without an error.
fn bearer(realm: &Realm, resource_metadata: Option<&str>) -> HeaderValue {
    let realm = &realm.0;
    line(match resource_metadata {
        Some(url) => format!("Bearer realm={realm}, resource_metadata={url}"),
        None => format!("Bearer realm={realm}"),
    })
}

/// Returns a challenge of quoted strings.
fn line(challenge: String) -> HeaderValue {
    // A quoted string is visible ASCII and spaces, so this cannot fail. A scheme alone would be a
    // valid challenge, too.
    HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static("Bearer"))
}

/// Returns the parameter `scope`, after those before it. No character of a scope needs an escape in
/// a quoted string.
fn with_scope(parameters: &str, scopes: &Scopes) -> String {
    match (parameters, scopes.is_empty()) {
        (_, true) => parameters.to_owned(),
        ("", false) => format!("scope=\"{scopes}\""),
        (_, false) => format!("{parameters}, scope=\"{scopes}\""),
    }
}

/// Returns the text as a `quoted-string` of
/// [RFC 9110 §5.6.4](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.4).
///
/// Returns `None` for control characters, which a quoted string cannot hold, and for bytes beyond
/// ASCII, whose meaning there is undefined.
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

/// Creates the error. It does not repeat the URL, which may contain a password.
fn invalid_metadata_url() -> ConfigError {
    let message = "not a URL for resource metadata; use https://host/path, in ASCII, without a user \
                   and a fragment";
    ConfigError::new(ConfigErrorKind::InvalidMetadataUrl, message)
}

#[cfg(test)]
mod tests {
    use http_auth::parse_challenges;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quoted_escapes_quotes_and_backslashes() {
        assert_eq!(quoted(r#"a"b\c d"#).unwrap(), r#""a\"b\\c d""#);
        assert_eq!(quoted("").unwrap(), r#""""#);
    }

    #[test]
    fn realm_rejects_control_characters() {
        for realm in ["", " ", "a\r\nSet-Cookie: b", "a\tb", "a\0", "a\x7f", "é"] {
            let kind = Realm::new(realm).unwrap_err().kind();
            assert_eq!(kind, ConfigErrorKind::InvalidRealm, "{realm:?}");
        }
    }

    #[test]
    fn metadata_url_must_be_absolute() {
        for url in [
            "",
            "/.well-known/oauth-protected-resource",
            "api.example.com",
            "ftp://api.example.com/",
            "https://api.example.com/#part",
            "https://api.example.com/\r\nSet-Cookie: a",
            "https://api.example.com/é",
            "https://user:sk-sentinel-7f3a@api.example.com/",
        ] {
            let challenges = Challenges::default().resource_metadata(url);
            let error = challenges.unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::InvalidMetadataUrl, "{url:?}");
            assert!(!error.to_string().contains("sk-sentinel"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn quoted_text_parses_back(text in "[ -~]*") {
            let [realm, error] = [&text, "e"].map(|text| quoted(text).unwrap());
            let line = format!("Bearer realm={realm}, error={error}");
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
        fn quoted_text_fits_in_a_header(text in any::<String>()) {
            if let Some(quoted) = quoted(&text) {
                prop_assert!(HeaderValue::try_from(quoted).is_ok());
            }
        }
    }
}
