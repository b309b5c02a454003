//! An environment variable as a source.

use std::env;
use std::ffi::OsString;
use std::fmt;

use super::error::SourceError;
use super::fetch::{Fetch, Fetched, Purpose};
use super::key_check::KeyCheck;
use super::source_trait::Source;
use crate::secret::Secret;

/// A source of a secret in an environment variable.
///
/// The environment of a process does not change from outside, so this is for values that last as
/// long as the process. Use a [`FileSource`](crate::source::FileSource) for values that rotate.
///
/// It refuses what is not a key, but what programs leave in its place: words such as `null` and
/// `undefined`, a key in quotes, JSON, and `NAME=value`. [`allow_any_content`] accepts any value. A
/// key set is never checked this way.
///
/// [`allow_any_content`]: Self::allow_any_content
pub struct EnvSource {
    name: OsString,
    check: KeyCheck,
}

impl EnvSource {
    /// Creates a source of the variable `name`.
    pub fn new(name: impl Into<OsString>) -> Self {
        Self {
            name: name.into(),
            check: KeyCheck::On,
        }
    }

    /// Accepts any value, such as a password that happens to be in quotes.
    #[must_use]
    pub const fn allow_any_content(mut self) -> Self {
        self.check = KeyCheck::Off;
        self
    }
}

impl Source for EnvSource {
    type Value = Secret;

    async fn fetch(&mut self, ask: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        let name = self.name.to_string_lossy();
        let value = env::var_os(&self.name)
            .ok_or_else(|| SourceError::permanent(format!("{name} is not set")))?;
        let content = value.as_encoded_bytes().trim_ascii();
        if content.is_empty() {
            return Err(SourceError::invalid(format!("{name} is empty")));
        }
        if ask.purpose == Purpose::Secret {
            let checked = self.check.check(content);
            checked.map_err(|found| SourceError::invalid(format!("{name} holds {found}")))?;
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
