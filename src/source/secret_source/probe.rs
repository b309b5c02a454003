//! A source whose keys are tried before they are published.

use std::fmt;
use std::future::Future;

use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::fetch::{Fetch, Fetched};
use crate::source::refresh_interval::RefreshInterval;
use crate::source::source_trait::Source;

/// A source whose new keys are tried before they are published, created by
/// [`SecretSource::probe`](crate::source::SecretSource::probe).
pub struct Probe<S, F> {
    source: S,
    probe: F,
    /// The last key that was accepted.
    accepted: Option<Secret>,
}

impl<S, F> Probe<S, F> {
    pub(crate) const fn new(source: S, probe: F) -> Self {
        Self {
            source,
            probe,
            accepted: None,
        }
    }
}

impl<S, F, Fut> Source for Probe<S, F>
where
    S: Source<Value = Secret>,
    F: FnMut(Secret) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), SourceError>> + Send,
{
    type Value = Secret;

    async fn fetch(&mut self, request: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        let fetched = self.source.fetch(request).await?;
        if let Fetched::Value { value, .. } = &fetched {
            let copy = || Secret::from(value.expose_secret());
            if self.accepted.as_ref() != Some(value) {
                (self.probe)(copy()).await?;
                self.accepted = Some(copy());
            }
        }
        Ok(fetched)
    }

    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        self.source.changed()
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.source.refresh_interval()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for Probe<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
