//! The trait that gives every source of secrets its adapters.

use std::future::Future;
#[cfg(feature = "file")]
use std::path::PathBuf;

#[cfg(feature = "file")]
use super::cached_on_disk::CachedOnDisk;
#[cfg(feature = "jwt")]
use super::jwt_expiry::JwtExpiry;
use super::key_rule::KeyRule;
use super::probe::Probe;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::source_trait::Source;

/// Adapters of sources of [`Secret`]s. Every one has them.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "file")] {
/// use tower_rotating_auth::source::{FileSource, KeyRule, SecretSource, Source, SourceError};
///
/// let source = FileSource::new("/run/secrets/openai")
///     .matching(KeyRule::new().prefix("sk-").length(20..=200))
///     .cached_on_disk("/var/lib/gateway/openai.last-good");
/// # let _ = source.refresh_interval();
/// # }
/// ```
pub trait SecretSource: Source<Value = Secret> + Sized {
    /// Checks each fetched key by a rule. After an error the last good key stays.
    fn matching(self, rule: KeyRule) -> impl Source<Value = Secret> {
        self.validate(move |key| rule.check(key))
    }

    /// Tries each new key before it is published, such as by a request to the upstream. After an
    /// error the last good key stays, and the source is asked again.
    ///
    /// The time of the attempt counts towards the fetch timeout. A key that was accepted is not
    /// tried again while the source delivers the same one.
    fn probe<F, Fut>(self, probe: F) -> Probe<Self, F>
    where
        F: FnMut(Secret) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), SourceError>> + Send,
    {
        Probe::new(self, probe)
    }

    /// Keeps the last good key in a file, and starts from it while the source fails.
    ///
    /// See [`CachedOnDisk`].
    #[cfg(feature = "file")]
    fn cached_on_disk(self, path: impl Into<PathBuf>) -> CachedOnDisk<Self> {
        CachedOnDisk::new(self, path.into())
    }

    /// Takes the expiry from the key itself, if that is a JSON Web Token.
    ///
    /// See [`JwtExpiry`].
    #[cfg(feature = "jwt")]
    fn jwt_expiry(self) -> JwtExpiry<Self> {
        JwtExpiry::new(self)
    }
}

impl<S: Source<Value = Secret>> SecretSource for S {}
