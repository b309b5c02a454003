//! Sources made of other sources.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};

use futures_util::future::{Either, select};

use super::error::SourceError;
use super::fetch::{Fetch, Fetched, Revision};
use super::refresh_interval::RefreshInterval;
use super::source_trait::Source;

/// A source whose values pass through a fallible function. Made by [`Source::try_map`].
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

    async fn fetch(&mut self, ask: Fetch<'_, U>) -> Result<Fetched<U>, SourceError> {
        let fetched = self.source.fetch(ask.of_another_type()).await?;
        fetched.try_map(&mut self.f)
    }

    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        self.source.changed()
    }

    fn pace(&self) -> RefreshInterval {
        self.source.pace()
    }
}

/// A source whose values are looked at before they are published. Made by [`Source::validate`].
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

    async fn fetch(&mut self, ask: Fetch<'_, S::Value>) -> Result<Fetched<S::Value>, SourceError> {
        let f = &mut self.f;
        self.source.fetch(ask).await?.try_map(|value| {
            f(&value)?;
            Ok(value)
        })
    }

    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        self.source.changed()
    }

    fn pace(&self) -> RefreshInterval {
        self.source.pace()
    }
}

/// A source and the one that is asked whenever it fails. Made by [`Source::fallback`].
///
/// When both fail, the error is the first one's.
#[derive(Debug)]
pub struct Fallback<A, B> {
    first: A,
    second: B,
}

impl<A, B> Fallback<A, B> {
    pub(crate) const fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
}

impl<A, B> Source for Fallback<A, B>
where
    A: Source,
    B: Source<Value = A::Value>,
{
    type Value = A::Value;

    async fn fetch(&mut self, ask: Fetch<'_, A::Value>) -> Result<Fetched<A::Value>, SourceError> {
        let [first, second] = [FIRST, SECOND].map(|tag| ask.revision.and_then(|r| untag(tag, r)));
        let ask_with = |revision| Fetch {
            reason: ask.reason,
            rejected: ask.rejected,
            revision,
            current: ask.current,
        };
        let failed = match self.first.fetch(ask_with(first.as_ref())).await {
            Ok(fetched) => return Ok(tagged(FIRST, fetched)),
            Err(error) => error,
        };
        match self.second.fetch(ask_with(second.as_ref())).await {
            Ok(fetched) => Ok(tagged(SECOND, fetched)),
            Err(_) => Err(failed),
        }
    }

    async fn changed(&mut self) {
        let (first, second) = (pin!(self.first.changed()), pin!(self.second.changed()));
        match select(first, second).await {
            Either::Left(((), _)) | Either::Right(((), _)) => {}
        }
    }

    fn pace(&self) -> RefreshInterval {
        let (first, second) = (self.first.pace(), self.second.pace());
        RefreshInterval {
            poll: first.poll.or(second.poll),
            min_interval: first.min_interval.max(second.min_interval),
        }
    }
}

/// Two sources may both call their content "1": the tag says whose revision it is.
const FIRST: u8 = b'1';
const SECOND: u8 = b'2';

fn tagged<T>(tag: u8, fetched: Fetched<T>) -> Fetched<T> {
    match fetched {
        Fetched::Value {
            value,
            revision: Some(revision),
            expires_at,
        } => Fetched::Value {
            value,
            revision: Some(Revision::new([&[tag], revision.as_bytes()].concat())),
            expires_at,
        },
        other => other,
    }
}

fn untag(tag: u8, revision: &Revision) -> Option<Revision> {
    revision.as_bytes().strip_prefix(&[tag]).map(Revision::new)
}

/// A source of which only the value's type is known. Made by [`Source::boxed`].
pub struct BoxSource<T>(Box<dyn DynSource<T>>);

impl<T: Send + Sync + 'static> BoxSource<T> {
    pub(crate) fn new(source: impl Source<Value = T>) -> Self {
        Self(Box::new(source))
    }
}

impl<T: Send + Sync + 'static> Source for BoxSource<T> {
    type Value = T;

    async fn fetch(&mut self, ask: Fetch<'_, T>) -> Result<Fetched<T>, SourceError> {
        self.0.fetch(ask).await
    }

    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        self.0.changed()
    }

    fn pace(&self) -> RefreshInterval {
        self.0.pace()
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// [`Source`] as a trait object needs it: every future in a box.
trait DynSource<T>: Send {
    fn fetch<'a>(&'a mut self, ask: Fetch<'a, T>)
    -> BoxFuture<'a, Result<Fetched<T>, SourceError>>;
    fn changed(&mut self) -> BoxFuture<'_, ()>;
    fn pace(&self) -> RefreshInterval;
}

impl<S: Source> DynSource<S::Value> for S {
    fn fetch<'a>(
        &'a mut self,
        ask: Fetch<'a, S::Value>,
    ) -> BoxFuture<'a, Result<Fetched<S::Value>, SourceError>> {
        Box::pin(Source::fetch(self, ask))
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(Source::changed(self))
    }

    fn pace(&self) -> RefreshInterval {
        Source::pace(self)
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
