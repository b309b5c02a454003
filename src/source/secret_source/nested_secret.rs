//! A secret of one source that another source needs to ask for its own.

use std::fmt;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::clock::Now;
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::expiry::{Expiry, LONGEST};
use crate::source::fetch::{Fetch, FetchReason, Fetched, Purpose, Revision};
use crate::source::source_trait::{BoxSource, Source};

/// The share of a lifetime after which the secret is fetched again.
const SHARE: f64 = 0.75;

/// A secret that a source needs to ask for its own, such as a token for an endpoint. It comes from
/// another source, so it may rotate as well.
///
/// That source is asked before each use, or ahead of the secret's expiry if it has one. While it
/// fails, the last good secret stays in use.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::Secret;
/// use tower_rotating_auth::source::{Fetch, Fetched, NestedSecret, Source, SourceError};
///
/// struct KeyServer {
///     token: NestedSecret,
/// }
///
/// impl Source for KeyServer {
///     type Value = Secret;
///
///     async fn fetch(&mut self, _: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
///         let token = self.token.secret().await?;
///         // Ask the server with the token.
/// #       let key = token.expose_secret();
///         Ok(Fetched::new(Secret::from(key)))
///     }
///
///     async fn changed(&mut self) {
///         self.token.changed().await;
///     }
/// }
/// ```
pub struct NestedSecret {
    source: BoxSource<Secret>,
    held: Option<Held>,
}

struct Held {
    secret: Secret,
    revision: Option<Revision>,
    /// Until when the source need not be asked.
    fresh_until: Option<Instant>,
}

impl NestedSecret {
    /// Creates a secret of this source. Nothing is fetched yet.
    pub fn new(source: impl Source<Value = Secret>) -> Self {
        Self {
            source: source.boxed(),
            held: None,
        }
    }

    /// Returns the secret as it is now.
    ///
    /// # Errors
    ///
    /// Returns the source's error if there is no good secret yet.
    pub async fn secret(&mut self) -> Result<&Secret, SourceError> {
        let is_fresh = self
            .held
            .as_ref()
            .and_then(|held| held.fresh_until)
            .is_some_and(|until| Instant::now() < until);
        if !is_fresh {
            self.fetch().await?;
        }
        let held = self.held.as_ref().map(|held| &held.secret);
        held.ok_or_else(|| SourceError::invalid("a nested source had nothing to deliver"))
    }

    /// Fetches the secret again before its next use, since the endpoint rejected it.
    pub fn reject(&mut self) {
        if let Some(held) = &mut self.held {
            held.fresh_until = None;
        }
    }

    /// Waits until its source hints that the secret may have changed.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped and called again at any time, as [`Source::changed`] may.
    pub async fn changed(&mut self) {
        self.source.changed().await;
        self.reject();
    }

    async fn fetch(&mut self) -> Result<(), SourceError> {
        let now = Now {
            mono: Instant::now(),
            wall: SystemTime::now(),
        };
        let held = self.held.as_ref();
        let request = Fetch {
            reason: held.map_or(FetchReason::Start, |_| FetchReason::Requested),
            rejected: None,
            revision: held.and_then(|held| held.revision.as_ref()),
            current: held.map(|held| &held.secret),
            purpose: Purpose::Secret,
        };
        match self.source.fetch(request).await {
            Ok(Fetched::Value {
                value,
                revision,
                expires_at,
            }) => {
                self.held = Some(Held {
                    secret: value,
                    revision,
                    fresh_until: expires_at.map(|expiry| fresh_until(expiry, now)),
                });
                Ok(())
            }
            Ok(Fetched::Unchanged { expires_at }) => {
                if let (Some(held), Some(expiry)) = (&mut self.held, expires_at) {
                    held.fresh_until = Some(fresh_until(expiry, now));
                }
                Ok(())
            }
            Err(_) if self.held.is_some() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn fresh_until(expiry: Expiry, now: Now) -> Instant {
    let lifetime = match expiry {
        Expiry::In(lifetime) => lifetime,
        Expiry::At(at) => at.duration_since(now.wall).unwrap_or(Duration::ZERO),
    };
    now.mono + lifetime.min(LONGEST).mul_f64(SHARE)
}

impl fmt::Debug for NestedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NestedSecret").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::source_fn;

    #[tokio::test(start_paused = true)]
    async fn secret_without_expiry_is_read_each_time() {
        let mut reads = 0;
        let mut nested = NestedSecret::new(source_fn(move || {
            reads += 1;
            async move {
                match reads {
                    3 => Err(SourceError::transient("down")),
                    n => Ok(Secret::from(n.to_string())),
                }
            }
        }));
        for expected in ["1", "2", "2", "4"] {
            let secret = nested.secret().await.unwrap();
            assert_eq!(secret.expose_secret(), expected.as_bytes());
        }
    }

    struct Tokens(u32);

    impl Source for Tokens {
        type Value = Secret;

        async fn fetch(&mut self, _: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
            self.0 += 1;
            let lifetime = Expiry::In(Duration::from_secs(60));
            Ok(Fetched::new(Secret::from(self.0.to_string())).expires(lifetime))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn secret_with_expiry_is_kept_until_ahead_of_it() {
        let mut nested = NestedSecret::new(Tokens(0));
        let mut seen = Vec::new();
        for wait in [0, 44, 2] {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            seen.push(nested.secret().await.unwrap().expose_secret().to_vec());
        }
        nested.reject();
        seen.push(nested.secret().await.unwrap().expose_secret().to_vec());
        assert_eq!(seen, [b"1", b"1", b"2", b"3"]);
    }
}
