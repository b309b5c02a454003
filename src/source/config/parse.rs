//! A source as a single command-line argument.

use std::str::FromStr;

use super::SourceConfig;
use crate::source::error::SourceError;

impl FromStr for SourceConfig {
    type Err = SourceError;

    /// Parses `env:NAME` or `file:PATH`.
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    /// [`SourceErrorKind::Invalid`](crate::source::SourceErrorKind::Invalid) for anything else. It
    /// does not contain the text, which may be a key that was passed by mistake.
    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::env(name)),
            #[cfg(feature = "file")]
            Some(("file", path)) if !path.is_empty() => Ok(Self::file(path)),
            _ => Err(SourceError::invalid(
                "not a source of a secret; write file:PATH or env:NAME",
            )),
        }
    }
}
