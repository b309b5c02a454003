//! What can go wrong on the way to a value.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::expiry::InvalidLifetime;

/// Why a source could not deliver.
///
/// Whoever makes one keeps secrets out of its text and out of its cause: both are logged.
#[derive(Debug)]
pub struct SourceError {
    kind: SourceErrorKind,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What kind of failure it was; decides how soon the source is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// It may work in a moment.
    Transient,
    /// It takes somebody to mend it; asked again all the same, less often.
    Permanent,
    /// The source asks for patience.
    Throttled,
    /// No answer within the fetch timeout.
    TimedOut,
    /// The source's code panicked.
    Panicked,
    /// What came is not a usable value.
    Invalid,
    /// What came had expired already.
    Expired,
}

impl SourceError {
    /// An error of the given class.
    pub fn new(kind: SourceErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
            source: None,
        }
    }

    /// It may work in a moment.
    pub fn transient(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(SourceErrorKind::Transient, message)
    }

    /// It takes somebody to mend it.
    pub fn permanent(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(SourceErrorKind::Permanent, message)
    }

    /// The source asks for patience: not before `retry_after`, which is honoured between 1 s and 5 min.
    pub fn throttled(message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(SourceErrorKind::Throttled, message)
        }
    }

    /// What came is not a usable value.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(SourceErrorKind::Invalid, message)
    }

    /// Adds what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure it was.
    #[must_use]
    pub const fn kind(&self) -> SourceErrorKind {
        self.kind
    }

    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<Box<dyn Error + Send + Sync>> for SourceError {
    /// Makes an error of kind [`SourceErrorKind::Transient`] with `source` as its cause.
    fn from(source: Box<dyn Error + Send + Sync>) -> Self {
        Self::transient("fetching the value failed").with_source(source)
    }
}

impl From<InvalidLifetime> for SourceError {
    /// Makes an error of kind [`SourceErrorKind::Invalid`] with `source` as its cause.
    fn from(source: InvalidLifetime) -> Self {
        Self::invalid("the source gave an invalid lifetime").with_source(source)
    }
}

impl fmt::Display for SourceErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Throttled => "throttled",
            Self::TimedOut => "timed out",
            Self::Panicked => "panicked",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::expiry::Expiry;
    use super::*;

    #[test]
    fn boxed_error_becomes_a_transient_source_error() {
        fn fetch() -> Result<(), SourceError> {
            Err(Box::<dyn Error + Send + Sync>::from("connection reset"))?;
            Ok(())
        }
        let error = fetch().unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Transient);
        assert_eq!(error.source().unwrap().to_string(), "connection reset");
    }

    #[test]
    fn invalid_lifetime_becomes_an_invalid_source_error() {
        fn expiry() -> Result<Expiry, SourceError> {
            Ok(Expiry::in_seconds(0.0)?)
        }
        let error = expiry().unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Invalid);
        assert!(error.source().unwrap().is::<InvalidLifetime>());
    }
}
