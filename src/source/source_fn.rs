//! A closure as a source.

use std::fmt;
use std::future::Future;

use super::error::SourceError;
use super::fetch::{Fetch, Fetched};
use super::source_trait::Source;

/// Creates a source from a closure that fetches a value.
///
/// The closure's error can be a [`SourceError`], a boxed error, or any type that converts into a
/// [`SourceError`]. Implement [`Source`] instead if values expire or have a revision.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::{Rotating, Secret, source::{SourceError, source_fn}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_rotating_auth::rotating::StartError> {
/// let key = Rotating::start(source_fn(|| async {
///     Ok::<_, SourceError>(Secret::from("sk-1f0c"))
/// }))
/// .await?;
/// assert_eq!(key.current().expose_secret(), b"sk-1f0c");
/// # Ok(())
/// # }
/// ```
pub const fn source_fn<F>(fetch: F) -> SourceFn<F> {
    SourceFn(fetch)
}

/// A closure as a source, created by [`source_fn`].
#[derive(Clone, Copy)]
pub struct SourceFn<F>(F);

impl<F, Fut, T, E> Source for SourceFn<F>
where
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output = Result<T, E>> + Send,
    T: Send + Sync + 'static,
    E: Into<SourceError>,
{
    type Value = T;

    async fn fetch(&mut self, _: Fetch<'_, T>) -> Result<Fetched<T>, SourceError> {
        (self.0)().await.map(Fetched::new).map_err(Into::into)
    }
}

impl<F> fmt::Debug for SourceFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFn").finish_non_exhaustive()
    }
}
