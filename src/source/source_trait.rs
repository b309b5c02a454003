//! Where a value is fetched from.

use super::fetch::Fetch;
use super::fetch::Fetched;
use super::refresh_interval::RefreshInterval;
use std::future::{Future, pending};

use super::adapt::{BoxSource, Fallback, TryMap, Validate};
use super::error::SourceError;

/// Where a value is fetched from: a file, an endpoint, a closure, a channel.
///
/// The engine asks one source from one task, never twice at a time, and keeps the last good value
/// whatever a fetch does: an error, a hang past the fetch timeout or a panic counts as a failed attempt.
///
/// Implement it with `async fn`:
///
/// ```
/// use tower_rotating_auth::{Rotating, Secret, source::{Fetch, Fetched, Source, SourceError}};
///
/// struct Fixed;
///
/// impl Source for Fixed {
///     type Value = Secret;
///
///     async fn fetch(&mut self, _ask: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
///         Ok(Fetched::new(Secret::from("sk-1f0c")))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_rotating_auth::rotating::StartError> {
/// let key = Rotating::start(Fixed).await?;
/// assert_eq!(key.current().expose_secret(), b"sk-1f0c");
/// # Ok(())
/// # }
/// ```
pub trait Source: Send + 'static {
    /// What is fetched.
    type Value: Send + Sync + 'static;

    /// Fetches the value as it is now.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the fetch timeout passes and when the last handle goes. Whatever must
    /// not outlive it (a child process, say) ends in its `Drop`.
    fn fetch(
        &mut self,
        ask: Fetch<'_, Self::Value>,
    ) -> impl Future<Output = Result<Fetched<Self::Value>, SourceError>> + Send;

    /// Resolves when the value may have changed: a hint to fetch now, no more.
    ///
    /// # Cancel safety
    ///
    /// The engine drops this future and calls again at will; a change in between must not be lost.
    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        pending()
    }

    /// How often the source is asked when nothing else calls for it, and how often at the most.
    fn pace(&self) -> RefreshInterval {
        RefreshInterval::default()
    }

    /// Turns each fetched value into another.
    fn map<F, U>(self, mut f: F) -> impl Source<Value = U>
    where
        Self: Sized,
        F: FnMut(Self::Value) -> U + Send + 'static,
        U: Send + Sync + 'static,
    {
        TryMap::new(self, move |value| Ok(f(value)))
    }

    /// Turns each fetched value into another, or refuses it: then the last good value stays.
    fn try_map<F, U>(self, f: F) -> TryMap<Self, F>
    where
        Self: Sized,
        F: FnMut(Self::Value) -> Result<U, SourceError> + Send + 'static,
        U: Send + Sync + 'static,
    {
        TryMap::new(self, f)
    }

    /// Looks at each fetched value before it is published; after an error the last good value stays.
    fn validate<F>(self, f: F) -> Validate<Self, F>
    where
        Self: Sized,
        F: FnMut(&Self::Value) -> Result<(), SourceError> + Send + 'static,
    {
        Validate::new(self, f)
    }

    /// Asks `other` whenever this source fails.
    fn fallback<S>(self, other: S) -> Fallback<Self, S>
    where
        Self: Sized,
        S: Source<Value = Self::Value>,
    {
        Fallback::new(self, other)
    }

    /// Erases the type, for sources that are chosen at run time.
    fn boxed(self) -> BoxSource<Self::Value>
    where
        Self: Sized,
    {
        BoxSource::new(self)
    }
}
