//! A source as part of an application's configuration.

#[cfg(all(
    feature = "serde",
    any(feature = "exec", feature = "file", feature = "http")
))]
mod duration;
#[cfg(feature = "exec")]
mod exec;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "oauth2")]
mod oauth2;
mod parse;
#[cfg(feature = "vault")]
mod vault;

#[cfg(feature = "file")]
use std::path::PathBuf;
#[cfg(feature = "file")]
use std::time::Duration;

#[cfg(feature = "exec")]
pub use self::exec::{ExecConfig, ExecFormatName};
#[cfg(feature = "http")]
pub use self::http::HttpConfig;
#[cfg(feature = "oauth2")]
pub use self::oauth2::{ClientAuthName, OAuth2Config};
#[cfg(feature = "vault")]
pub use self::vault::{VaultAuthConfig, VaultConfig};
use super::env::EnvSource;
#[cfg(feature = "file")]
use super::file::FileSource;
use super::source_trait::{BoxSource, Source};
use crate::secret::Secret;
#[cfg(any(feature = "exec", feature = "http"))]
use crate::source::error::SourceError;

/// Where a secret comes from, as a value that an application reads from its own configuration.
///
/// With the feature `serde` it implements `Deserialize`, so config-rs, figment and every other
/// format of serde can read it. The field `type` says which source it is; unknown fields are
/// errors:
///
/// | `type` | fields |
/// |---|---|
/// | `env` | `name`; optional `any_content` (`true` or `false`) |
/// | `file` (feature `file`) | `path`; optional `field`, `any_content`, `poll_interval`, `max_bytes` (in bytes), `owner` (a user id), `strict` and `watch` (`true` or `false`) |
/// | `exec` (feature `exec`) | those of [`ExecConfig`] |
/// | `http` (feature `http`) | those of [`HttpConfig`] |
/// | `oauth2` (feature `oauth2`) | those of [`OAuth2Config`] |
/// | `vault` (feature `vault`) | those of [`VaultConfig`] |
///
/// A source that needs a secret itself, such as a token for an endpoint, has a table of its own for
/// that, which is a source, too.
///
/// A duration is a number of seconds, or text with a unit: `"500ms"`, `"30s"`, `"5m"`, `"1h"`,
/// `"1d"`. The optional fields have the defaults of [`FileSource`].
///
/// It also implements [`FromStr`](std::str::FromStr), for command-line options:
///
/// | text | source |
/// |---|---|
/// | `env:NAME` | [`EnvSource`] |
/// | `file:PATH` | [`FileSource`] with the defaults |
/// | `file:PATH#FIELD` | [`FileSource`] for one field of a dotenv or JSON file |
/// | `exec:PROGRAM` | [`ExecSource`](crate::source::ExecSource) without arguments |
/// | `https://HOST/PATH`, `https://HOST/PATH#/pointer` | [`HttpSource`](crate::source::HttpSource); a JSON pointer to the key after the `#` |
/// | `vault:MOUNT/PATH#FIELD` | [`VaultSource`](crate::source::VaultSource) for KV version 2; the first segment is the mount, and the server and the login come from the environment ([`VaultConfig`]) |
///
/// It holds no secret: only the name of a variable, a path, or the address of a server.
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
        /// Calls [`EnvSource::allow_any_content`]. Defaults to `false`.
        #[cfg_attr(feature = "serde", serde(default))]
        any_content: bool,
    },
    /// A file, as [`FileSource`] reads it.
    #[cfg(feature = "file")]
    #[non_exhaustive]
    File {
        /// The path of the file.
        path: PathBuf,
        /// Sets [`FileSource::field`].
        #[cfg_attr(feature = "serde", serde(default))]
        field: Option<String>,
        /// Calls [`FileSource::allow_any_content`]. Defaults to `false`.
        #[cfg_attr(feature = "serde", serde(default))]
        any_content: bool,
        /// Sets [`FileSource::poll`].
        #[cfg_attr(
            feature = "serde",
            serde(default, deserialize_with = "duration::deserialize")
        )]
        poll_interval: Option<Duration>,
        /// Sets [`FileSource::max_bytes`].
        #[cfg_attr(feature = "serde", serde(default))]
        max_bytes: Option<usize>,
        /// Sets [`FileSource::owner`].
        #[cfg_attr(feature = "serde", serde(default))]
        owner: Option<u32>,
        /// Calls [`FileSource::strict`]. Defaults to `false`.
        #[cfg_attr(feature = "serde", serde(default))]
        strict: bool,
        /// Calls [`FileSource::without_watch`] if `false`. Defaults to `true`.
        #[cfg_attr(feature = "serde", serde(default = "watched"))]
        watch: bool,
    },
    /// A command, as [`ExecSource`](crate::source::ExecSource) runs it.
    #[cfg(feature = "exec")]
    Exec(ExecConfig),
    /// An HTTP endpoint, as [`HttpSource`](crate::source::HttpSource) asks it.
    #[cfg(feature = "http")]
    Http(HttpConfig),
    /// A token endpoint, as [`OAuth2Source`](crate::source::OAuth2Source) asks it.
    #[cfg(feature = "oauth2")]
    #[cfg_attr(feature = "serde", serde(rename = "oauth2"))]
    OAuth2(OAuth2Config),
    /// A secret of Vault, as [`VaultSource`](crate::source::VaultSource) reads it.
    #[cfg(feature = "vault")]
    Vault(VaultConfig),
}

#[cfg(all(feature = "serde", feature = "file"))]
const fn watched() -> bool {
    true
}

impl SourceConfig {
    /// Creates the configuration of an [`EnvSource`].
    pub fn env(name: impl Into<String>) -> Self {
        Self::Env {
            name: name.into(),
            any_content: false,
        }
    }

    /// Creates the configuration of a [`FileSource`] with its defaults.
    #[cfg(feature = "file")]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::file_with(path.into(), None)
    }

    /// Creates the configuration of a [`FileSource`] that reads one field of a dotenv or JSON file.
    #[cfg(feature = "file")]
    pub fn file_field(path: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        Self::file_with(path.into(), Some(name.into()))
    }

    #[cfg(feature = "file")]
    const fn file_with(path: PathBuf, field: Option<String>) -> Self {
        Self::File {
            path,
            field,
            any_content: false,
            poll_interval: None,
            max_bytes: None,
            owner: None,
            strict: false,
            watch: true,
        }
    }

    /// Creates the source. Nothing is read until it is started, except certificates.
    ///
    /// A configuration that cannot be used, such as a URL that is none, makes the source fail with
    /// an error of kind [`SourceErrorKind::Invalid`](crate::source::SourceErrorKind::Invalid).
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
            Self::Env { name, any_content } => {
                let mut source = EnvSource::new(name);
                if any_content {
                    source = source.allow_any_content();
                }
                source.boxed()
            }
            #[cfg(feature = "file")]
            Self::File {
                path,
                field,
                any_content,
                poll_interval,
                max_bytes,
                owner,
                strict,
                watch,
            } => {
                let mut source = FileSource::new(path);
                if let Some(field) = field {
                    source = source.field(field);
                }
                if any_content {
                    source = source.allow_any_content();
                }
                if let Some(poll_interval) = poll_interval {
                    source = source.poll(poll_interval);
                }
                if let Some(max_bytes) = max_bytes.or(default_max_bytes) {
                    source = source.max_bytes(max_bytes);
                }
                if let Some(owner) = owner {
                    source = source.owner(owner);
                }
                if strict {
                    source = source.strict();
                }
                if !watch {
                    source = source.without_watch();
                }
                source.boxed()
            }
            #[cfg(feature = "exec")]
            Self::Exec(config) => usable(config.source()),
            #[cfg(feature = "http")]
            Self::Http(config) => usable(config.source()),
            #[cfg(feature = "oauth2")]
            Self::OAuth2(config) => usable(config.source()),
            #[cfg(feature = "vault")]
            Self::Vault(config) => usable(config.source()),
        }
    }
}

/// Boxes a source. An error in its configuration becomes a source that fails with it.
#[cfg(any(feature = "exec", feature = "http"))]
fn usable(source: Result<impl Source<Value = Secret>, SourceError>) -> BoxSource<Secret> {
    match source {
        Ok(source) => source.boxed(),
        Err(error) => {
            let (kind, message) = (error.kind(), error.to_string());
            let failing = move || {
                let error = SourceError::new(kind, message.clone());
                async move { Err::<Secret, _>(error) }
            };
            crate::source::source_fn(failing).boxed()
        }
    }
}
