//! A source as a single command-line argument.

use std::str::FromStr;

use super::SourceConfig;
use crate::source::error::SourceError;

impl FromStr for SourceConfig {
    type Err = SourceError;

    /// Parses `env:NAME`, `file:PATH` or `file:PATH#FIELD`.
    ///
    /// The field is what follows the last `#`. Use [`SourceConfig::file`] for a path with a `#`.
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
            Some(("file", rest)) => match rest.rsplit_once('#') {
                None if !rest.is_empty() => Ok(Self::file(rest)),
                Some((path, name)) if !path.is_empty() && !name.is_empty() => {
                    Ok(Self::file_field(path, name))
                }
                _ => Err(not_a_source()),
            },
            _ => Err(not_a_source()),
        }
    }
}

fn not_a_source() -> SourceError {
    SourceError::invalid("not a source of a secret; write file:PATH, file:PATH#FIELD or env:NAME")
}
