//! Sources of policies: they turn the text of a policy file into a policy.

use std::future::Future;

use crate::inbound::policy::route_policy::RoutePolicy;
use crate::secret::Secret;
use crate::source::{
    BoxSource, Fetch, Fetched, RefreshInterval, Source, SourceConfig, SourceError,
};

/// Turns a source of texts into a source of policies. Every source of [`Secret`]s implements it.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "file")] {
/// use tower_rotating_auth::Rotating;
/// use tower_rotating_auth::inbound::policy::IntoRoutePolicy;
/// use tower_rotating_auth::source::FileSource;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("policy.toml");
/// # std::fs::write(&path, "version = 1\n")?;
/// let policy = Rotating::start(FileSource::new(path).route_policy()).await?;
/// // RequireKeyLayer::new(keys).rotating_policy(policy)
/// # drop(policy);
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
pub trait IntoRoutePolicy: Source<Value = Secret> + Sized {
    /// Reads each text as a policy file: see [`RoutePolicy::from_toml`].
    ///
    /// A file that cannot be used is an error at the start. Later, the last good policy stays in
    /// force.
    fn route_policy(self) -> PolicySource<Self> {
        PolicySource { source: self }
    }
}

impl<S: Source<Value = Secret>> IntoRoutePolicy for S {}

impl SourceConfig {
    /// Creates a source of policies, as [`IntoRoutePolicy::route_policy`] does.
    #[must_use]
    pub fn route_policy(self) -> PolicySource<BoxSource<Secret>> {
        self.into_source().route_policy()
    }
}

/// A source of policies, created by [`IntoRoutePolicy::route_policy`].
#[derive(Debug)]
pub struct PolicySource<S> {
    source: S,
}

impl<S: Source<Value = Secret>> Source for PolicySource<S> {
    type Value = RoutePolicy;

    async fn fetch(
        &mut self,
        ask: Fetch<'_, RoutePolicy>,
    ) -> Result<Fetched<RoutePolicy>, SourceError> {
        // As of a key set, half of a policy is worse than an old one.
        let fetched = self.source.fetch(ask.of_another_type().for_key_set());
        fetched.await?.try_map(|text| {
            let text = std::str::from_utf8(text.expose_secret())
                .map_err(|_| SourceError::invalid("the policy file is not UTF-8"))?;
            RoutePolicy::from_toml(text).map_err(|error| {
                SourceError::invalid("the policy file cannot be used").with_source(error)
            })
        })
    }

    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        self.source.changed()
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.source.refresh_interval()
    }
}
