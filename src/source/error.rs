//! What can go wrong on the way to a value.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Why a source could not deliver.
///
/// Whoever makes one keeps secrets out of its text and out of its cause: both are logged.
#[derive(Debug)]
pub struct SourceError {
    class: SourceErrorKind,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    cause: Option<Box<dyn Error + Send + Sync>>,
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
    pub fn new(class: SourceErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            class,
            message: message.into(),
            retry_after: None,
            cause: None,
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
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What kind of failure it was.
    #[must_use]
    pub const fn class(&self) -> SourceErrorKind {
        self.class
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
        self.cause.as_deref().map(|cause| cause as _)
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
