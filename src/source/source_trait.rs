//! The trait of sources, and its adapters.

use std::fmt;
use std::future::{Future, pending};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use tokio::time::timeout;

use super::error::{SourceError, SourceErrorKind};
use super::fetch::{Fetch, Fetched};
use super::refresh_interval::RefreshInterval;

/// A source that a rotating value is fetched from, such as a file or a token endpoint.
///
/// One task asks a source, one fetch at a time. An error, a hang past the fetch timeout and a panic
/// count as a failed fetch, after which the last good value stays.
///
/// # Examples
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
    /// The type of the value.
    type Value: Send + Sync + 'static;

    /// Fetches the value as it is now.
    ///
    /// # Errors
    ///
    /// Returns a [`SourceError`], whose kind decides how soon the source is asked again.
    ///
    /// # Cancel safety
    ///
    /// The engine drops the future when the fetch timeout passes and when the last handle is
    /// dropped. End whatever must not outlive it, such as a child process, in a `Drop`.
    fn fetch(
        &mut self,
        request: Fetch<'_, Self::Value>,
    ) -> impl Future<Output = Result<Fetched<Self::Value>, SourceError>> + Send;

    /// Waits until the value may have changed. This is a hint to fetch now. Defaults to never.
    ///
    /// # Cancel safety
    ///
    /// The engine drops this future and calls again at any time. A change in between must not be
    /// lost.
    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        pending()
    }

    /// Returns how often the source is asked. Defaults to [`RefreshInterval::default`].
    ///
    /// The engine calls it at the start, and again after each fetch.
    fn refresh_interval(&self) -> RefreshInterval {
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

    /// Turns each fetched value into another or rejects it with an error, after which the last good
    /// value stays.
    fn try_map<F, U>(self, f: F) -> TryMap<Self, F>
    where
        Self: Sized,
        F: FnMut(Self::Value) -> Result<U, SourceError> + Send + 'static,
        U: Send + Sync + 'static,
    {
        TryMap::new(self, f)
    }

    /// Checks each fetched value before it is published. After an error the last good value stays.
    fn validate<F>(self, f: F) -> Validate<Self, F>
    where
        Self: Sized,
        F: FnMut(&Self::Value) -> Result<(), SourceError> + Send + 'static,
    {
        Validate::new(self, f)
    }

    /// Asks `other` if this source fails, panics, or does not answer within 10 s
    /// ([`Fallback::first_timeout`]). If both fail, the error is this source's.
    fn fallback<S>(self, other: S) -> Fallback<Self, S>
    where
        Self: Sized,
        S: Source<Value = Self::Value>,
    {
        Fallback::new(self, other)
    }

    /// Boxes the source, for sources that are chosen at run time.
    fn boxed(self) -> BoxSource<Self::Value>
    where
        Self: Sized,
    {
        BoxSource::new(self)
    }
}

/// Fetches from a source. A hang and a panic become errors.
pub(crate) async fn fetch_within<S: Source>(
    limit: Duration,
    source: &mut S,
    request: Fetch<'_, S::Value>,
) -> Result<Fetched<S::Value>, SourceError> {
    // Unwind safe for the caller: only the source sees its own state after a panic. The timeout is
    // inside, since dropping a fetch may panic as well.
    let fetch = AssertUnwindSafe(async { timeout(limit, source.fetch(request)).await });
    match fetch.catch_unwind().await {
        Ok(Ok(fetched)) => fetched,
        Ok(Err(_elapsed)) => Err(SourceError::new(
            SourceErrorKind::TimedOut,
            format!("no answer within {limit:?}"),
        )),
        Err(_panic) => Err(SourceError::new(
            SourceErrorKind::Panicked,
            "the source panicked",
        )),
    }
}

/// A source whose values pass through a fallible function, created by [`Source::try_map`].
pub struct TryMap<S, F> {
    source: S,
    f: F,
}

impl<S, F> TryMap<S, F> {
    pub(crate) const fn new(source: S, f: F) -> Self {
        Self { source, f }
    }
}

impl<S, F, U> Source for TryMap<S, F>
where
    S: Source,
    F: FnMut(S::Value) -> Result<U, SourceError> + Send + 'static,
    U: Send + Sync + 'static,
{
    type Value = U;

    async fn fetch(&mut self, request: Fetch<'_, U>) -> Result<Fetched<U>, SourceError> {
        let fetched = self.source.fetch(request.of_another_type()).await?;
        fetched.try_map(&mut self.f)
    }

    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        self.source.changed()
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.source.refresh_interval()
    }
}

/// A source whose values are checked before they are published, created by [`Source::validate`].
pub struct Validate<S, F> {
    source: S,
    f: F,
}

impl<S, F> Validate<S, F> {
    pub(crate) const fn new(source: S, f: F) -> Self {
        Self { source, f }
    }
}

impl<S, F> Source for Validate<S, F>
where
    S: Source,
    F: FnMut(&S::Value) -> Result<(), SourceError> + Send + 'static,
{
    type Value = S::Value;

    async fn fetch(
        &mut self,
        request: Fetch<'_, S::Value>,
    ) -> Result<Fetched<S::Value>, SourceError> {
        let f = &mut self.f;
        self.source.fetch(request).await?.try_map(|value| {
            f(&value)?;
            Ok(value)
        })
    }

    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        self.source.changed()
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.source.refresh_interval()
    }
}

/// The tags of the two revisions: both sources may call their content "1".
const FIRST: u8 = b'1';
const SECOND: u8 = b'2';

/// A source with another one that is asked if it fails, created by [`Source::fallback`].
#[derive(Debug)]
pub struct Fallback<A, B> {
    first: A,
    second: B,
    first_timeout: Duration,
    /// Whether the last value is the second source's.
    uses_second: bool,
}

impl<A, B> Fallback<A, B> {
    pub(crate) const fn new(first: A, second: B) -> Self {
        Self {
            first,
            second,
            first_timeout: Duration::from_secs(10),
            uses_second: false,
        }
    }

    /// Sets how long to wait for the first source before the second one is asked. Defaults to 10 s.
    ///
    /// Keep it below [`fetch_timeout`], which bounds both together. A source that blocks its thread
    /// cannot be left: move blocking work to `tokio::task::spawn_blocking`.
    ///
    /// [`fetch_timeout`]: crate::rotating::RotatingBuilder::fetch_timeout
    #[must_use]
    pub const fn first_timeout(mut self, timeout: Duration) -> Self {
        self.first_timeout = timeout;
        self
    }
}

impl<A, B> Source for Fallback<A, B>
where
    A: Source,
    B: Source<Value = A::Value>,
{
    type Value = A::Value;

    async fn fetch(
        &mut self,
        request: Fetch<'_, A::Value>,
    ) -> Result<Fetched<A::Value>, SourceError> {
        let [first, second] =
            [FIRST, SECOND].map(|tag| request.revision.and_then(|r| r.without_tag(tag)));
        let ask_with = |revision| Fetch {
            reason: request.reason,
            rejected: request.rejected,
            revision,
            current: request.current,
            purpose: request.purpose,
        };
        let fetch = fetch_within(
            self.first_timeout,
            &mut self.first,
            ask_with(first.as_ref()),
        );
        let failed = match fetch.await {
            Ok(fetched) => {
                self.uses_second = false;
                return Ok(fetched.tagged(FIRST));
            }
            Err(error) => error,
        };
        match self.second.fetch(ask_with(second.as_ref())).await {
            Ok(fetched) => {
                self.uses_second = true;
                Ok(fetched.tagged(SECOND))
            }
            Err(_) => Err(failed),
        }
    }

    async fn changed(&mut self) {
        let (first, second) = (pin!(self.first.changed()), pin!(self.second.changed()));
        match select(first, second).await {
            Either::Left(((), _)) | Either::Right(((), _)) => {}
        }
    }

    fn refresh_interval(&self) -> RefreshInterval {
        let (first, second) = (
            self.first.refresh_interval(),
            self.second.refresh_interval(),
        );
        RefreshInterval {
            // The second one's would apply to the first, too, and `None` means something there.
            poll: if self.uses_second {
                first.poll.or(second.poll)
            } else {
                first.poll
            },
            min_interval: first.min_interval.max(second.min_interval),
        }
    }
}

/// A boxed source, of which only the value's type is known, created by [`Source::boxed`].
pub struct BoxSource<T>(Box<dyn DynSource<T>>);

impl<T: Send + Sync + 'static> BoxSource<T> {
    pub(crate) fn new(source: impl Source<Value = T>) -> Self {
        Self(Box::new(source))
    }
}

impl<T: Send + Sync + 'static> Source for BoxSource<T> {
    type Value = T;

    async fn fetch(&mut self, request: Fetch<'_, T>) -> Result<Fetched<T>, SourceError> {
        self.0.fetch(request).await
    }

    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        self.0.changed()
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.0.refresh_interval()
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The object-safe form of [`Source`], with boxed futures.
trait DynSource<T>: Send {
    fn fetch<'a>(
        &'a mut self,
        request: Fetch<'a, T>,
    ) -> BoxFuture<'a, Result<Fetched<T>, SourceError>>;
    fn changed(&mut self) -> BoxFuture<'_, ()>;
    fn refresh_interval(&self) -> RefreshInterval;
}

impl<S: Source> DynSource<S::Value> for S {
    fn fetch<'a>(
        &'a mut self,
        request: Fetch<'a, S::Value>,
    ) -> BoxFuture<'a, Result<Fetched<S::Value>, SourceError>> {
        Box::pin(Source::fetch(self, request))
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(Source::changed(self))
    }

    fn refresh_interval(&self) -> RefreshInterval {
        Source::refresh_interval(self)
    }
}

impl<S: fmt::Debug, F> fmt::Debug for TryMap<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryMap")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for Validate<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validate")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for BoxSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxSource").finish_non_exhaustive()
    }
}
