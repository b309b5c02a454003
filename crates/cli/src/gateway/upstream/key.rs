//! The upstream's key: where it comes from, and the layer that injects it.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderName;
use tower_rotating_auth::{
    InvalidKey, Secret,
    outbound::adapter::HttpAdapter,
    outbound::{
        Credential, CredentialPublisher, InjectKeyLayer, IntoCredential, Origin,
        RotatingCredential, RotatingCredentialBuilder,
    },
    source::{BoxSource, FileSource, Source, SourceConfig},
};

use super::settings::{KeyFrom, KeyHeader, Upstream};
use crate::error::{Error, chain};
use crate::gateway::config::Limits;
use crate::gateway::health::{self, Condition};
use crate::gateway::observe::Observers;
use crate::gateway::proxy::body::replay::BudgetedReplay;
use crate::gateway::switch::{Switch, switched};
use crate::hangups::{Refresh, refresh_by};

/// The file of a key.
struct Polled {
    switch: Switch<Secret>,
    interval: Mutex<Duration>,
}

pub(crate) struct UpstreamKey {
    key: RotatingCredential,
    file: Option<Polled>,
    /// Keeps a key from the environment current. Dropping it would end the rotating value.
    _publisher: Option<CredentialPublisher>,
}

impl UpstreamKey {
    /// Reads the key. Fails if there is no usable one.
    pub(crate) async fn open(
        upstream: &Upstream,
        limits: &Limits,
        observers: &Observers,
    ) -> Result<Self, Error> {
        let builder = RotatingCredential::builder()
            .name(upstream.key_name())
            .observer(observers.upstream())
            .wait_for_first(limits.wait_for_key)
            .overlap(upstream.overlap);
        match &upstream.key {
            KeyFrom::Environment(secret) => {
                let credential = credential(&upstream.header, secret)
                    .map_err(|error| Error::start(format!("OPENAI_API_KEY: {error}")))?;
                let (key, publisher) = builder.manual(credential);
                Ok(Self {
                    key,
                    file: None,
                    _publisher: Some(publisher),
                })
            }
            KeyFrom::File(path) => {
                let (switch, file) = switched(file(path, limits));
                let place = format!("from {}", path.display());
                let key = Self::refreshed(builder, upstream, file, &place).await?;
                Ok(Self {
                    key,
                    file: Some(Polled {
                        switch,
                        interval: Mutex::new(limits.poll),
                    }),
                    _publisher: None,
                })
            }
            KeyFrom::Source(config) => {
                let source = SourceConfig::clone(config).into_source();
                let place = "from --upstream-key";
                let key = Self::refreshed(builder, upstream, source, place).await?;
                Ok(Self {
                    key,
                    file: None,
                    _publisher: None,
                })
            }
        }
    }

    /// Reads the file of the key as often as these limits say, from now on.
    pub(crate) async fn poll(&self, upstream: &Upstream, limits: &Limits) -> Result<(), Error> {
        let (Some(polled), KeyFrom::File(path)) = (&self.file, &upstream.key) else {
            return Ok(());
        };
        let interval = || {
            polled
                .interval
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if *interval() == limits.poll {
            return Ok(());
        }
        let replaced = polled.switch.replace(file(path, limits)).await;
        let place = format!("from {}", path.display());
        replaced.map_err(|error| unusable(&place, &error))?;
        *interval() = limits.poll;
        Ok(())
    }

    async fn refreshed(
        builder: RotatingCredentialBuilder,
        upstream: &Upstream,
        source: impl Source<Value = Secret>,
        place: &str,
    ) -> Result<RotatingCredential, Error> {
        let key = match &upstream.header {
            KeyHeader::Scheme(scheme) => builder.start(source.scheme(scheme.clone())).await,
            KeyHeader::Bare(name) => builder.start(source.header(name.clone())).await,
        };
        key.map_err(|error| unusable(place, &error))
    }

    /// Returns the layer that injects the key into requests to the upstream, and into no others.
    pub(crate) fn inject(
        &self,
        upstream: &Upstream,
        limits: &Limits,
        replay: BudgetedReplay,
    ) -> Result<InjectKeyLayer<HttpAdapter<BudgetedReplay>>, Error> {
        // The base URL has been checked. An upstream that may be in cleartext is one here, too.
        let origin = Origin::cleartext(&upstream.base.origin());
        let key = self.key.clone().with_force_wait(limits.proxy.key_wait);
        let inject = origin
            .and_then(|origin| InjectKeyLayer::new(origin, key))
            .map_err(|error| Error::usage(format!("--upstream: {error}")))?
            .override_existing()
            .replay(replay)
            .max_sends(3);
        let statuses = upstream.rejected_by.iter();
        Ok(statuses.fold(inject, |inject, status| inject.rejected_by(*status)))
    }

    /// Returns what reads the key again.
    pub(crate) fn refresh(&self) -> Refresh {
        let key = self.key.clone();
        refresh_by(move || key.refresh())
    }

    pub(crate) fn source(&self) -> health::Source {
        let key = self.key.clone();
        Box::new(move || Condition {
            status: key.status(),
            failing: None,
        })
    }
}

fn file(path: &Path, limits: &Limits) -> BoxSource<Secret> {
    FileSource::new(path).poll(limits.poll).boxed()
}

fn unusable(place: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    let why = chain(error);
    Error::start(format!("cannot read the upstream's key {place}: {why}"))
}

fn credential(header: &KeyHeader, secret: &Secret) -> Result<Credential, InvalidKey> {
    match header {
        KeyHeader::Scheme(scheme) => Credential::scheme(scheme, secret),
        KeyHeader::Bare(name) => Credential::header(HeaderName::clone(name), secret),
    }
}
