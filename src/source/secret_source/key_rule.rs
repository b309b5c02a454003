//! What a key of one provider looks like.

use std::ops::RangeInclusive;

use crate::key;
use crate::secret::Secret;
use crate::source::error::SourceError;

/// A rule for keys, which keeps another file's content or an error page from replacing a good key.
///
/// A rule says nothing about white space at both ends, which does not belong to a key.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::{Secret, source::KeyRule};
///
/// let rule = KeyRule::new().prefix("sk-").length(8..=200);
/// assert!(rule.check(&Secret::from("sk-1f0c77\n")).is_ok());
/// let error = rule.check(&Secret::from("xoxb-17f3a0")).unwrap_err();
/// assert_eq!(error.to_string(), r#"the key does not start with "sk-""#);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct KeyRule {
    prefix: Option<String>,
    length: Option<RangeInclusive<usize>>,
    #[cfg(feature = "regex")]
    pattern: Option<regex::bytes::Regex>,
}

impl KeyRule {
    /// Creates a rule that allows every key.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires that a key starts with this text.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Sets how many bytes a key may have.
    pub const fn length(mut self, length: RangeInclusive<usize>) -> Self {
        self.length = Some(length);
        self
    }

    /// Requires that the whole key matches a regular expression.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Invalid`] if this is none.
    ///
    /// [`SourceErrorKind::Invalid`]: crate::source::SourceErrorKind::Invalid
    #[cfg(feature = "regex")]
    pub fn pattern(mut self, pattern: &str) -> Result<Self, SourceError> {
        let whole = regex::bytes::Regex::new(&format!(r"\A(?:{pattern})\z"));
        let invalid = |error| SourceError::invalid("not a regular expression").with_source(error);
        self.pattern = Some(whole.map_err(|error| invalid(Box::new(error)))?);
        Ok(self)
    }

    /// Checks a key.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`SourceErrorKind::Invalid`] that says what is wrong, and contains
    /// no byte of the key.
    ///
    /// [`SourceErrorKind::Invalid`]: crate::source::SourceErrorKind::Invalid
    pub fn check(&self, key: &Secret) -> Result<(), SourceError> {
        let key = key::trim(key.expose_secret());
        if let Some(prefix) = &self.prefix {
            if !key.starts_with(prefix.as_bytes()) {
                return Err(SourceError::invalid(format!(
                    "the key does not start with {prefix:?}"
                )));
            }
        }
        if let Some(length) = &self.length {
            if !length.contains(&key.len()) {
                return Err(SourceError::invalid(format!(
                    "the key has {} bytes, and should have {} to {}",
                    key.len(),
                    length.start(),
                    length.end(),
                )));
            }
        }
        #[cfg(feature = "regex")]
        if self
            .pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.is_match(key))
        {
            return Err(SourceError::invalid("the key does not match the pattern"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceErrorKind;

    fn refused(rule: &KeyRule, key: &str) {
        let error = rule.check(&Secret::from(key)).unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Invalid);
        assert!(!error.to_string().contains(key), "{error}");
    }

    #[test]
    fn rule_bounds_prefix_and_length() {
        let rule = KeyRule::new().prefix("sk-").length(5..=8);
        for allowed in ["sk-12", "sk-12345", " sk-12\n"] {
            assert!(rule.check(&Secret::from(allowed)).is_ok(), "{allowed}");
        }
        for key in ["xk-12", "sk-1", "sk-123456"] {
            refused(&rule, key);
        }
    }

    #[cfg(feature = "regex")]
    #[test]
    fn pattern_matches_the_whole_key() {
        let rule = KeyRule::new().pattern("sk-[0-9]+|pk-[0-9]+").unwrap();
        for allowed in ["sk-1", "pk-22", "sk-1\n"] {
            assert!(rule.check(&Secret::from(allowed)).is_ok(), "{allowed}");
        }
        for key in ["sk-1x", "xsk-1", "sk-", "sk-1\nsk-2"] {
            refused(&rule, key);
        }
        assert!(KeyRule::new().pattern("(").is_err());
    }
}
