//! Errors of starting and refreshing a rotating value.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::source::SourceError;

/// An error of starting a rotating value: there is no first value to serve.
///
/// Its [`Debug`](fmt::Debug) is one line with the whole chain of causes, since that is what Rust
/// prints when `main` returns an error:
///
/// ```text
/// Error: no first value from the source: OPENAI_API_KEY is not set
/// ```
pub struct StartError(Start);

enum Start {
    Source(SourceError),
    NoRuntime,
}

/// The kinds of [`StartError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartErrorKind {
    /// The source did not deliver a usable value in time.
    Source,
    /// There is no tokio runtime on this thread.
    NoRuntime,
}

impl StartError {
    pub(crate) const fn of_source(error: SourceError) -> Self {
        Self(Start::Source(error))
    }

    pub(crate) const fn no_runtime() -> Self {
        Self(Start::NoRuntime)
    }

    /// Returns the kind of this error.
    #[must_use]
    pub const fn kind(&self) -> StartErrorKind {
        match self.0 {
            Start::Source(_) => StartErrorKind::Source,
            Start::NoRuntime => StartErrorKind::NoRuntime,
        }
    }

    /// Returns the source's error, if this is of kind [`StartErrorKind::Source`].
    #[must_use]
    pub const fn source_error(&self) -> Option<&SourceError> {
        match &self.0 {
            Start::Source(error) => Some(error),
            Start::NoRuntime => None,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Start::Source(_) => "no first value from the source",
            Start::NoRuntime => {
                "no tokio runtime on this thread; call this from async code that tokio runs"
            }
        })
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source_error().map(|error| error as _)
    }
}

/// An error of a refresh that brought no newer value.
///
/// Clones share the source's error: everybody who waited for one fetch gets the same.
#[derive(Clone, Debug)]
pub struct RefreshError {
    kind: RefreshErrorKind,
    source: Option<Arc<SourceError>>,
}

/// The kinds of [`RefreshError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshErrorKind {
    /// The source answered and still has the same value.
    Unchanged,
    /// The source failed. [`RefreshError::source_error`] says how.
    Failed,
    /// A rejection forced a refresh within the last
    /// [`cooldown`](crate::rotating::RotatingBuilder::cooldown), and nothing has been accepted since.
    /// Rejections cannot force another refresh yet.
    Cooldown,
    /// Too many refreshes in a short time; the source is not asked again yet, and no newer value
    /// arrived by itself within [`force_wait`](crate::rotating::RotatingBuilder::force_wait).
    Throttled,
    /// No newer value arrived within
    /// [`force_wait`](crate::rotating::RotatingBuilder::force_wait).
    TimedOut,
    /// It was a false alarm: the value failed for one user, and has succeeded for another since. The
    /// source was not asked.
    StillInUse,
    /// Nothing refreshes this value: a [`Publisher`](crate::rotating::Publisher) publishes it.
    Manual,
    /// The refresh task has stopped. The last good value is still served.
    Stopped,
}

impl RefreshError {
    pub(crate) const fn new(kind: RefreshErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn failed(error: SourceError) -> Self {
        Self {
            kind: RefreshErrorKind::Failed,
            source: Some(Arc::new(error)),
        }
    }

    /// Returns the kind of this error.
    #[must_use]
    pub const fn kind(&self) -> RefreshErrorKind {
        self.kind
    }

    /// Returns the source's error, if this is of kind [`RefreshErrorKind::Failed`].
    #[must_use]
    pub fn source_error(&self) -> Option<&SourceError> {
        self.source.as_deref()
    }
}

impl fmt::Display for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            RefreshErrorKind::Unchanged => "the source still has the same value",
            RefreshErrorKind::Failed => "the source failed",
            RefreshErrorKind::Cooldown => {
                "forced refreshes are paused after repeated rejections; wait for the cooldown to end"
            }
            RefreshErrorKind::Throttled => "too many refreshes in a short time; try again later",
            RefreshErrorKind::TimedOut => "no newer value arrived in time",
            RefreshErrorKind::StillInUse => "the value has been accepted elsewhere since",
            RefreshErrorKind::Manual => {
                "nothing refreshes this value; publish a new one with its publisher"
            }
            RefreshErrorKind::Stopped => "the refresh task has stopped",
        })
    }
}

impl Error for RefreshError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source_error().map(|error| error as _)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn start_error_debug_is_readable() {
        let error = SourceError::permanent("the token endpoint refused the client")
            .with_source(io::Error::other("403 Forbidden"));
        let error = StartError::of_source(error);
        assert_eq!(
            format!("{error:?}"),
            "no first value from the source: the token endpoint refused the client: 403 Forbidden"
        );
        let boxed: Box<dyn Error> = Box::new(StartError::no_runtime());
        assert_eq!(format!("{boxed:?}"), boxed.to_string());
    }

    #[test]
    fn refresh_error_clones_share_their_source() {
        let error = RefreshError::failed(SourceError::transient("down"));
        let clone = error.clone();
        assert_eq!(clone.kind(), RefreshErrorKind::Failed);
        let (one, other) = (error.source_error().unwrap(), clone.source_error().unwrap());
        assert!(std::ptr::eq(one, other));
        let stopped = RefreshError::new(RefreshErrorKind::Stopped);
        assert!(stopped.source().is_none() && stopped.source_error().is_none());
    }
}
