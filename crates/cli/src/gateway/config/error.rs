//! Errors in a configuration file.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The reason why a configuration file cannot be used. Contains nothing of the file's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigError {
    kind: ConfigErrorKind,
    place: Place,
    message: String,
}

/// The kinds of a [`ConfigError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigErrorKind {
    /// The file is not TOML.
    Syntax,
    /// There is no such field.
    UnknownField,
    /// The value has another type than the field.
    Type,
    /// The value is not one of the field's.
    Value,
    /// Fields, options and variables contradict each other, or one of them is missing.
    Contradiction,
}

/// The place of the error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    /// Starts at 1.
    pub(crate) line: Option<usize>,
    pub(crate) field: Option<String>,
}

impl ConfigError {
    pub(crate) fn new(kind: ConfigErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            place: Place::default(),
            message: message.into(),
        }
    }

    pub(crate) fn not_utf8() -> Self {
        Self::new(
            ConfigErrorKind::Syntax,
            "not UTF-8; save the file in that encoding",
        )
    }

    #[must_use]
    pub(crate) fn at(mut self, line: usize, field: &str) -> Self {
        self.place.line = Some(line);
        self.place.field = Some(field.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn at_line(mut self, line: Option<usize>) -> Self {
        self.place.line = line;
        self
    }

    #[must_use]
    pub(crate) fn in_file(mut self, file: &Path) -> Self {
        self.place.file = file.to_owned();
        self
    }

    #[must_use]
    pub(crate) fn map_message(mut self, map: impl FnOnce(&str) -> String) -> Self {
        self.message = map(&self.message);
        self
    }

    pub(crate) const fn kind(&self) -> ConfigErrorKind {
        self.kind
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, field } = &self.place;
        write!(f, "{}", file.display())?;
        if let Some(line) = line {
            write!(f, ":{line}")?;
        }
        if let Some(field) = field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for ConfigError {}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl ConfigErrorKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownField => "unknown_field",
            Self::Type => "type",
            Self::Value => "value",
            Self::Contradiction => "contradiction",
        }
    }
}
