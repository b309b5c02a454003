//! An environment variable as a source.

use std::env;
use std::ffi::OsString;
use std::fmt;

use super::error::SourceError;
use super::fetch::{Fetch, Fetched};
use super::source_trait::Source;
use crate::secret::Secret;

/// A source of a secret in an environment variable.
///
/// The environment of a process does not change from outside, so this is for values that last as
/// long as the process. Use a [`FileSource`](crate::source::FileSource) for values that rotate.
pub struct EnvSource {
    name: OsString,
}

impl EnvSource {
    /// Creates a source of the variable `name`.
    pub fn new(name: impl Into<OsString>) -> Self {
        Self { name: name.into() }
    }
}

impl Source for EnvSource {
    type Value = Secret;

    async fn fetch(&mut self, _: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        let name = self.name.to_string_lossy();
        let value = env::var_os(&self.name)
            .ok_or_else(|| SourceError::permanent(format!("{name} is not set")))?;
        if value.as_encoded_bytes().trim_ascii().is_empty() {
            return Err(SourceError::invalid(format!("{name} is empty")));
        }
        Ok(Fetched::new(Secret::new(value.into_encoded_bytes())))
    }
}

impl fmt::Debug for EnvSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvSource")
            .field("name", &self.name)
            .finish()
    }
}
