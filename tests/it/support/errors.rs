//! The kinds of source errors, for assertions.

use tower_rotating_auth::rotating::{RefreshError, StartError};
use tower_rotating_auth::source::{SourceError, SourceErrorKind};

/// Returns the kind of the source's error, if the source failed.
pub(crate) fn source_kind(error: &RefreshError) -> Option<SourceErrorKind> {
    error.source_error().map(SourceError::kind)
}

/// Returns the kind of the source's error, if there was no first value.
pub(crate) fn start_kind(error: &StartError) -> Option<SourceErrorKind> {
    error.source_error().map(SourceError::kind)
}
