//! What can go wrong on the way to a value.

use crate::source::SourceError;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

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
pub enum RefreshError {
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
    Manual,
    /// The refresh task is gone; the last good value is still served.
    Stopped,
}

impl fmt::Display for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unchanged => "the source still has the same value",
            Self::Failed(_) => "the source failed",
            Self::Cooldown => "refreshed in vain a moment ago",
            Self::Throttled => "too many refreshes",
            Self::TimedOut => "no new value in time",
            Self::Manual => "the value is published by hand",
            Self::Stopped => "the refresh task is gone",
        })
    }
}

impl Error for RefreshError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
