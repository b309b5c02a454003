//! Sources of secrets, and what turns a secret into something that can be used.

mod adapt;
mod channel;
mod config;
mod env;
mod error;
mod expiry;
mod fetch;
#[cfg(feature = "file")]
mod file;
mod refresh_interval;
mod source;
mod source_fn;

pub use self::adapt::{BoxSource, Fallback, TryMap, Validate};
pub use self::channel::{ChannelSource, Sender, channel};
pub use self::config::SourceConfig;
pub use self::env::EnvSource;
pub use self::error::{SourceError, SourceErrorKind};
pub(crate) use self::expiry::LONGEST;
pub use self::expiry::{Expiry, InvalidLifetime};
pub use self::fetch::{Fetch, FetchReason, Fetched, Revision};
#[cfg(feature = "file")]
pub use self::file::FileSource;
pub use self::refresh_interval::RefreshInterval;
pub use self::source::Source;
pub use self::source_fn::{SourceFn, source_fn};
