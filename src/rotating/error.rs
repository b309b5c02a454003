//! What can go wrong on the way to a value.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why a source could not deliver.
///
/// Whoever makes one keeps secrets out of its text and out of its cause: both are logged.
#[derive(Debug)]
pub struct SourceError {
    class: ErrorClass,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// What kind of failure it was; decides how soon the source is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
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
    pub fn new(class: ErrorClass, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            class,
            message: message.into(),
            retry_after: None,
            cause: None,
        }
    }

    /// It may work in a moment.
    pub fn transient(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorClass::Transient, message)
    }

    /// It takes somebody to mend it.
    pub fn permanent(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorClass::Permanent, message)
    }

    /// The source asks for patience: not before `retry_after`, which is honoured between 1 s and 5 min.
    pub fn throttled(message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(ErrorClass::Throttled, message)
        }
    }

    /// What came is not a usable value.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorClass::Invalid, message)
    }

    /// Adds what caused it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What kind of failure it was.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
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

impl fmt::Display for ErrorClass {
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

/// Why there is no first value, and so nothing to serve.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The source did not deliver a usable value in the time that it was given.
    Source(SourceError),
    /// There is no tokio runtime here. `start` and `pair` need one, with its timer enabled.
    NoRuntime,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(_) => f.write_str("no first value could be had from the source"),
            Self::NoRuntime => {
                f.write_str("no tokio runtime here: call this from async code that tokio runs")
            }
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Source(error) => Some(error),
            Self::NoRuntime => None,
        }
    }
}

/// Why a refresh brought nothing newer than what was rejected.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NotRefreshed {
    /// The source was asked and still has the same value.
    Unchanged,
    /// The source was asked and failed. Everybody who waited for the attempt is given the same error.
    Failed(Arc<SourceError>),
    /// This generation was refreshed in vain a moment ago; the source is not asked again yet.
    Cooldown,
    /// Too many refreshes in too short a time; the source is not asked again yet.
    Throttled,
    /// No outcome within the time that a rejected request may wait.
    TimedOut,
    /// Nothing refreshes this value: it is published by hand.
    ByHand,
    /// The refresh task is gone; the last good value is still served.
    Stopped,
}

impl fmt::Display for NotRefreshed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unchanged => "the source still has the same value",
            Self::Failed(_) => "the source failed",
            Self::Cooldown => "refreshed in vain a moment ago",
            Self::Throttled => "too many refreshes",
            Self::TimedOut => "no new value in time",
            Self::ByHand => "the value is published by hand",
            Self::Stopped => "the refresh task is gone",
        })
    }
}

impl Error for NotRefreshed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
