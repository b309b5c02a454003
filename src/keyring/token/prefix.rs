//! The prefix of a token.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::parse_error::{ParseError, ParseErrorKind};

/// The prefix that some clients require.
const COMPATIBLE: &str = "sk-";

/// The prefix of a token, by which people and secret scanners recognise it. Defaults to `trk`.
///
/// A prefix is 2 to 10 lower-case letters and digits that start with a letter. It may be followed
/// by `_` and an environment of the same form. Put `sk-` before it for clients and gateways that
/// accept only such keys.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::keyring::{NewKey, Prefix};
///
/// for prefix in ["acme", "acme_live", "sk-acme_test"] {
///     let key = NewKey::with_prefix(&prefix.parse()?)?;
///     assert!(key.token().expose_secret().starts_with(prefix.as_bytes()));
/// }
/// assert_eq!(Prefix::default().as_str(), "trk");
/// assert!("Acme".parse::<Prefix>().is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prefix(Arc<str>);

impl Prefix {
    /// Returns the prefix without the `_` that follows it in a token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self(Arc::from("trk"))
    }
}

impl FromStr for Prefix {
    type Err = ParseError;

    fn from_str(prefix: &str) -> Result<Self, ParseError> {
        let named = prefix.strip_prefix(COMPATIBLE).unwrap_or(prefix);
        let words_fit = match named.split_once('_') {
            Some((name, environment)) => is_word(name) && is_word(environment),
            None => is_word(named),
        };
        if words_fit {
            Ok(Self(prefix.into()))
        } else {
            Err(ParseError::new(ParseErrorKind::Prefix))
        }
    }
}

fn is_word(word: &str) -> bool {
    let mut bytes = word.bytes();
    (2..=10).contains(&word.len())
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_accepts_documented_forms() {
        for good in [
            "trk",
            "ab",
            "abcdefghij",
            "acme_live",
            "sk-acme",
            "sk-a1_t2",
        ] {
            assert_eq!(good.parse::<Prefix>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a",
            "abcdefghijk",
            "1ab",
            "Acme",
            "acme_",
            "_live",
            "acme_live_eu",
            "acme_L",
            "acme-live",
            "sk-",
            "sk_-acme",
            "sk-sk-acme",
            "acme live",
            "é1",
        ] {
            assert_eq!(
                bad.parse::<Prefix>(),
                Err(ParseError::new(ParseErrorKind::Prefix)),
                "{bad}"
            );
        }
    }
}
