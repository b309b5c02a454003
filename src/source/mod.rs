//! Sources: where a rotating value is fetched from.
//!
//! A [`Source`] fetches a value and may hint that it has changed. There are sources for a file
//! ([`FileSource`], with the feature `file`), an environment variable ([`EnvSource`]), a closure
//! ([`source_fn()`]) and a channel ([`channel()`]). Implement [`Source`] for anything else.
//!
//! The adapters of the trait change the values of any source: [`Source::try_map`],
//! [`Source::validate`], [`Source::fallback`], and, for secrets,
//! [`IntoCredential`](crate::outbound::IntoCredential) and
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
//! - [`Source::fallback`] asks the second source when the first one fails, not when it hangs past
//!   the fetch timeout.

mod channel;
mod config;
mod env;
mod error;
mod expiry;
mod fetch;
#[cfg(feature = "file")]
mod file;
mod key_check;
mod refresh_interval;
mod source_fn;
mod source_trait;

pub use self::channel::{ChannelSource, Sender, channel};
pub use self::config::SourceConfig;
pub use self::env::EnvSource;
pub use self::error::{SourceError, SourceErrorKind};
pub(crate) use self::expiry::LONGEST;
pub use self::expiry::{Expiry, InvalidLifetime};
pub(crate) use self::fetch::Purpose;
pub use self::fetch::{Fetch, FetchReason, Fetched, Revision};
#[cfg(feature = "file")]
pub use self::file::FileSource;
pub use self::refresh_interval::RefreshInterval;
pub use self::source_fn::{SourceFn, source_fn};
pub use self::source_trait::{BoxSource, Fallback, Source, TryMap, Validate};
