//! Errors of a source.

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::parse_error::ParseError;

/// An error of a source that could not deliver a value.
///
/// Its text and its cause are logged: keep secrets out of both.
#[derive(Debug)]
pub struct SourceError {
    kind: SourceErrorKind,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kinds of [`SourceError`]. They decide how soon the source is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// The source may work again in a moment.
    Transient,
    /// Somebody has to repair something. The source is still asked again, but less often.
    Permanent,
    /// The source asked to wait.
    Throttled,
    /// There was no answer within the fetch timeout.
    TimedOut,
    /// The code of the source panicked.
    Panicked,
    /// The source delivered something that is not a usable value.
    Invalid,
    /// The value had expired before it arrived.
    Expired,
}

impl SourceErrorKind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Transient,
        Self::Permanent,
        Self::Throttled,
        Self::TimedOut,
        Self::Panicked,
        Self::Invalid,
        Self::Expired,
    ];

    /// Returns the kind in one word, for logs and metrics. These words are stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Throttled => "throttled",
            Self::TimedOut => "timed_out",
            Self::Panicked => "panicked",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
        }
    }
}

impl SourceError {
    /// Creates an error of this kind.
    pub fn new(kind: SourceErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
            source: None,
        }
    }

    /// Creates an error of kind [`SourceErrorKind::Transient`].
    pub fn transient(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(SourceErrorKind::Transient, message)
    }

    /// Creates an error of kind [`SourceErrorKind::Permanent`].
    pub fn permanent(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(SourceErrorKind::Permanent, message)
    }

    /// Creates an error of kind [`SourceErrorKind::Throttled`].
    ///
    /// The source is not asked again before `retry_after`, which is bounded to between 1 s and 5
    /// minutes.
    pub fn throttled(message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(SourceErrorKind::Throttled, message)
        }
    }

    /// Creates an error of kind [`SourceErrorKind::Invalid`].
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(SourceErrorKind::Invalid, message)
    }

    /// Sets the cause, which [`Error::source`] returns.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind of this error.
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
    /// Creates an error of kind [`SourceErrorKind::Transient`] with `source` as its cause.
    fn from(source: Box<dyn Error + Send + Sync>) -> Self {
        Self::transient("fetching the value failed").with_source(source)
    }
}

impl From<Infallible> for SourceError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<ParseError> for SourceError {
    /// Creates an error of kind [`SourceErrorKind::Invalid`] with `source` as its cause.
    fn from(source: ParseError) -> Self {
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
        assert!(error.source().unwrap().is::<ParseError>());
    }
}
