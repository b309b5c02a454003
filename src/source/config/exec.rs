//! A command in a configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::exec::{ExecFormat, ExecSource};
use crate::source::source_trait::Source;

/// A command, as [`ExecSource`] runs it.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct ExecConfig {
    /// The path of the program, or its name in `PATH`.
    pub command: String,
    /// Its arguments. Other users can read them: never a secret.
    #[cfg_attr(feature = "serde", serde(default))]
    pub args: Vec<String>,
    /// Further environment variables.
    #[cfg_attr(feature = "serde", serde(default))]
    pub env: BTreeMap<String, String>,
    /// Sets [`ExecSource::timeout`].
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "super::duration::deserialize")
    )]
    pub timeout: Option<Duration>,
    /// Sets [`ExecSource::poll`].
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "super::duration::deserialize")
    )]
    pub poll_interval: Option<Duration>,
    /// The format of the output. Defaults to text.
    #[cfg_attr(feature = "serde", serde(default))]
    pub format: ExecFormatName,
    /// Calls [`ExecSource::allow_any_content`]. Defaults to `false`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub any_content: bool,
    /// A JSON pointer to the value that is the key, which `credential-process` needs.
    #[cfg_attr(feature = "serde", serde(default))]
    pub pointer: Option<String>,
}

/// The name of an [`ExecFormat`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum ExecFormatName {
    /// [`ExecFormat::Text`].
    #[default]
    Text,
    /// [`ExecFormat::ExecCredential`].
    ExecCredential,
    /// [`ExecFormat::CredentialProcess`].
    CredentialProcess,
}

impl ExecConfig {
    /// Creates the configuration of a command without arguments.
    pub fn new(command: impl Into<String>) -> Self {
        Self {
            command: command.into(),
            ..Self::default()
        }
    }

    pub(crate) fn source(self) -> Result<impl Source<Value = Secret> + use<>, SourceError> {
        let format = match (self.format, self.pointer) {
            (ExecFormatName::Text, None) => ExecFormat::Text,
            (ExecFormatName::ExecCredential, None) => ExecFormat::ExecCredential,
            (ExecFormatName::CredentialProcess, Some(key)) => ExecFormat::credential_process(key),
            (ExecFormatName::CredentialProcess, None) => {
                return Err(SourceError::invalid(
                    "the format credential-process needs a `pointer`, such as /SecretAccessKey",
                ));
            }
            (ExecFormatName::Text | ExecFormatName::ExecCredential, Some(_)) => {
                return Err(SourceError::invalid(
                    "only the format credential-process takes a `pointer`",
                ));
            }
        };
        let mut source = ExecSource::new(self.command).args(self.args).format(format);
        for (name, value) in self.env {
            source = source.env(name, value);
        }
        if let Some(timeout) = self.timeout {
            source = source.timeout(timeout);
        }
        if self.any_content {
            source = source.allow_any_content();
        }
        if let Some(poll) = self.poll_interval {
            source = source.poll(poll);
        }
        Ok(source)
    }
}

/// Shows the names of the variables alone: a value may be a secret.
impl fmt::Debug for ExecConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecConfig")
            .field("command", &self.command)
            .field("args", &self.args)
            .field("env", &self.env.keys())
            .field("timeout", &self.timeout)
            .field("poll_interval", &self.poll_interval)
            .field("format", &self.format)
            .field("any_content", &self.any_content)
            .field("pointer", &self.pointer)
            .finish()
    }
}
