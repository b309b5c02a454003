//! Sources: where a rotating value is fetched from.
//!
//! A [`Source`] fetches a value and may hint that it has changed. Implement it for anything that
//! is not in this list:
//!
//! | the key is in | source | feature |
//! |---|---|---|
//! | a file | [`FileSource`] | `file` |
//! | an environment variable | [`EnvSource`] | |
//! | a variable, or the file that `NAME_FILE` names | [`EnvOrFile`] | |
//! | what a command prints | [`ExecSource`] | `exec` |
//! | what an HTTP endpoint answers | [`HttpSource`] | `http` |
//! | a token of an OAuth 2.0 server | [`OAuth2Source`] | `oauth2` |
//! | HashiCorp Vault, OpenBao | [`VaultSource`] | `vault` |
//! | what a closure returns | [`source_fn()`] | |
//! | a channel | [`channel()`] | |
//!
//! The adapters of the trait change the values of any source: [`Source::try_map`],
//! [`Source::validate`] with a closure or a [`KeyRule`], [`Source::fallback`], and, for secrets,
//! [`SecretSource`], [`IntoCredential`](crate::outbound::IntoCredential) and
//! [`IntoKeySet`](crate::inbound::IntoKeySet).
//!
//! ```
//! use tower_rotating_auth::source::{EnvSource, Source, SourceError, source_fn};
//! use tower_rotating_auth::{Rotating, Secret};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_rotating_auth::rotating::StartError> {
//! let vault = source_fn(|| async {
//!     Err::<Secret, _>(SourceError::transient("connection refused"))
//! });
//! let backup = source_fn(|| async { Ok::<_, SourceError>(Secret::from("sk-1f0c")) });
//! let key = Rotating::start(vault.fallback(backup)).await?;
//! assert_eq!(key.current().expose_secret(), b"sk-1f0c");
//!
//! let unset = Rotating::start(EnvSource::new("NO_SUCH_VARIABLE")).await;
//! let error = unset.expect_err("the variable is not set");
//! assert_eq!(format!("{error:?}"), "no first value from the source: NO_SUCH_VARIABLE is not set");
//! # Ok(())
//! # }
//! ```
//!
//! # Caveats
//!
//! - A source is asked by one task, one fetch at a time. It needs no lock.
//! - Keep secrets out of the text and the cause of a [`SourceError`]: both are logged.
//! - A source that blocks the thread blocks the runtime. Move blocking work to
//!   `tokio::task::spawn_blocking`.
//! - [`Source::fallback`] cannot leave a first source that blocks its thread.

mod channel;
mod config;
mod env;
mod environment;
mod error;
#[cfg(feature = "exec")]
mod exec;
mod expiry;
mod fetch;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "http")]
mod http;
#[cfg(any(feature = "exec", feature = "http", feature = "jwt"))]
mod json;
mod key_check;
#[cfg(feature = "oauth2")]
mod oauth2;
mod refresh_interval;
mod secret_source;
mod source_fn;
mod source_trait;
#[cfg(feature = "vault")]
mod vault;

pub use self::channel::{ChannelSource, Sender, channel};
#[cfg(feature = "http")]
pub use self::config::HttpConfig;
pub use self::config::SourceConfig;
#[cfg(feature = "oauth2")]
pub use self::config::{ClientAuthName, OAuth2Config};
#[cfg(feature = "exec")]
pub use self::config::{ExecConfig, ExecFormatName};
#[cfg(feature = "vault")]
pub use self::config::{VaultAuthConfig, VaultConfig};
pub use self::env::EnvSource;
pub use self::environment::EnvOrFile;
pub use self::error::{SourceError, SourceErrorKind};
#[cfg(feature = "exec")]
pub use self::exec::{ExecFormat, ExecSource};
pub use self::expiry::Expiry;
pub(crate) use self::expiry::LONGEST;
pub(crate) use self::fetch::Purpose;
pub use self::fetch::{Fetch, FetchReason, Fetched, Revision};
#[cfg(feature = "file")]
pub use self::file::FileSource;
#[cfg(feature = "http")]
pub use self::http::{Endpoint, HttpClient, HttpSource, RequestBody};
#[cfg(feature = "oauth2")]
pub use self::oauth2::{ClientAuth, OAuth2Source};
pub use self::refresh_interval::RefreshInterval;
#[cfg(feature = "file")]
pub use self::secret_source::CachedOnDisk;
#[cfg(feature = "jwt")]
pub use self::secret_source::JwtExpiry;
pub use self::secret_source::{KeyRule, NestedSecret, Probe, SecretSource};
pub use self::source_fn::{SourceFn, source_fn};
pub(crate) use self::source_trait::fetch_within;
pub use self::source_trait::{BoxSource, Fallback, Source, TryMap, Validate};
#[cfg(feature = "vault")]
pub use self::vault::{VaultAuth, VaultSource};
