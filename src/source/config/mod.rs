//! A source as part of an application's configuration.

#[cfg(all(feature = "serde", feature = "file"))]
mod duration;
mod parse;

#[cfg(feature = "file")]
use std::path::PathBuf;
#[cfg(feature = "file")]
use std::time::Duration;

use super::adapt::BoxSource;
use super::env::EnvSource;
#[cfg(feature = "file")]
use super::file::FileSource;
use super::source::Source;
use crate::secret::Secret;

/// Where a secret comes from, as a value that an application reads from its own configuration.
///
/// With the feature `serde` it implements `Deserialize`, so config-rs, figment and every other
/// format of serde can read it. The field `type` says which source it is; unknown fields are
/// errors:
///
/// | `type` | fields |
/// |---|---|
/// | `env` | `name` |
/// | `file` (feature `file`) | `path`; optional `poll_interval`, `max_bytes` (in bytes), `strict` and `watch` (`true` or `false`) |
///
/// A duration is a number of seconds, or text with a unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`,
/// `"1d"`. The optional fields have the defaults of [`FileSource`].
///
/// It also implements [`FromStr`](std::str::FromStr), for command-line options: `env:NAME`, and
/// `file:PATH` with the defaults.
///
/// It holds no secret: only the name of a variable, or the path of a file.
///
/// # Examples
///
/// ```
/// # #[cfg(all(feature = "serde", feature = "file"))] {
/// use serde::Deserialize;
/// use tower_rotating_auth::source::SourceConfig;
///
/// #[derive(Deserialize)]
/// struct Config {
///     api_key: SourceConfig,
/// }
///
/// let config: Config = toml::from_str(
///     r#"
///     [api_key]
///     type = "file"
///     path = "/run/secrets/openai"
///     poll_interval = "30s"
///     "#,
/// )?;
/// assert!(matches!(config.api_key, SourceConfig::File { .. }));
/// let source = config.api_key.into_source(); // for `Rotating::start`
/// # let _ = source;
/// # }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)
)]
#[non_exhaustive]
pub enum SourceConfig {
    /// An environment variable, as [`EnvSource`] reads it.
    #[non_exhaustive]
    Env {
        /// The name of the variable.
        name: String,
    },
    /// A file, as [`FileSource`] reads it.
    #[cfg(feature = "file")]
    #[non_exhaustive]
    File {
        /// The path of the file.
        path: PathBuf,
        /// Sets [`FileSource::poll`].
        #[cfg_attr(
            feature = "serde",
            serde(default, deserialize_with = "duration::deserialize")
        )]
        poll_interval: Option<Duration>,
        /// Sets [`FileSource::max_bytes`].
        #[cfg_attr(feature = "serde", serde(default))]
        max_bytes: Option<usize>,
        /// Calls [`FileSource::strict`]. Defaults to `false`.
        #[cfg_attr(feature = "serde", serde(default))]
        strict: bool,
        /// Calls [`FileSource::without_watch`] if `false`. Defaults to `true`.
        #[cfg_attr(feature = "serde", serde(default = "watched"))]
        watch: bool,
    },
}

#[cfg(all(feature = "serde", feature = "file"))]
const fn watched() -> bool {
    true
}

impl SourceConfig {
    /// Creates the configuration of an [`EnvSource`].
    pub fn env(name: impl Into<String>) -> Self {
        Self::Env { name: name.into() }
    }

    /// Creates the configuration of a [`FileSource`] with its defaults.
    #[cfg(feature = "file")]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File {
            path: path.into(),
            poll_interval: None,
            max_bytes: None,
            strict: false,
            watch: true,
        }
    }

    /// Creates the source. Nothing is read until it is started.
    ///
    /// Use [`key_set`](Self::key_set) for the keys that a server accepts.
    #[must_use]
    pub fn into_source(self) -> BoxSource<Secret> {
        self.into_source_up_to(None)
    }

    /// Creates the source. `default_max_bytes` is the limit of a file if the configuration has
    /// none.
    #[cfg_attr(
        not(feature = "file"),
        expect(unused_variables, reason = "only a file has a limit")
    )]
    pub(crate) fn into_source_up_to(self, default_max_bytes: Option<usize>) -> BoxSource<Secret> {
        match self {
            Self::Env { name } => EnvSource::new(name).boxed(),
            #[cfg(feature = "file")]
            Self::File {
                path,
                poll_interval,
                max_bytes,
                strict,
                watch,
            } => {
                let mut source = FileSource::new(path);
                if let Some(poll_interval) = poll_interval {
                    source = source.poll(poll_interval);
                }
                if let Some(max_bytes) = max_bytes.or(default_max_bytes) {
                    source = source.max_bytes(max_bytes);
                }
                if strict {
                    source = source.strict();
                }
                if !watch {
                    source = source.without_watch();
                }
                source.boxed()
            }
        }
    }
}
