//! The upstream's key: where it comes from, and the layer that injects it.

use http::HeaderName;
use tower_rotating_auth::{
    InvalidKey, Secret,
    outbound::adapter::HttpAdapter,
    outbound::{
        Credential, CredentialPublisher, InjectKeyLayer, IntoCredential, Origin,
        RotatingCredential, RotatingCredentialBuilder,
    },
    source::{BoxSource, FileSource, Source as _, SourceConfig},
};

use super::settings::{KeyFrom, KeyHeader, Upstream};
use crate::error::{Error, chain};
use crate::gateway::config::Limits;
use crate::gateway::health::{Condition, Source};
use crate::gateway::observe::Observers;
use crate::gateway::proxy::body::replay::BudgetedReplay;
use crate::hangups::{Refresh, refresh_by};

pub(crate) struct UpstreamKey {
    key: RotatingCredential,
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
            .force_wait(limits.proxy.key_wait)
            .wait_for_first(limits.wait_for_key)
            .overlap(upstream.overlap);
        match &upstream.key {
            KeyFrom::Environment(secret) => {
                let credential = credential(&upstream.header, secret)
                    .map_err(|error| Error::start(format!("OPENAI_API_KEY: {error}")))?;
                let (key, publisher) = builder.manual(credential);
                Ok(Self {
                    key,
                    _publisher: Some(publisher),
                })
            }
            KeyFrom::File(path) => {
                let file = FileSource::new(path).poll(limits.poll).boxed();
                let place = format!("from {}", path.display());
                Self::refreshed(builder, upstream, file, &place).await
            }
            KeyFrom::Source(config) => {
                let source = SourceConfig::clone(config).into_source();
                Self::refreshed(builder, upstream, source, "from --upstream-key").await
            }
        }
    }

    async fn refreshed(
        builder: RotatingCredentialBuilder,
        upstream: &Upstream,
        source: BoxSource<Secret>,
        place: &str,
    ) -> Result<Self, Error> {
        let key = match &upstream.header {
            KeyHeader::Scheme(scheme) => builder.start(source.scheme(scheme.clone())).await,
            KeyHeader::Bare(name) => builder.start(source.header(name.clone())).await,
        };
        let key = key.map_err(|error| {
            let why = chain(&error);
            Error::start(format!("cannot read the upstream's key {place}: {why}"))
        })?;
        Ok(Self {
            key,
            _publisher: None,
        })
    }

    /// Returns the layer that injects the key into requests to the upstream, and into no others.
    pub(crate) fn inject(
        &self,
        upstream: &Upstream,
        replay: BudgetedReplay,
    ) -> Result<InjectKeyLayer<HttpAdapter<BudgetedReplay>>, Error> {
        // The base URL has been checked. An upstream that may be in cleartext is one here, too.
        let origin = Origin::cleartext(&upstream.base.origin());
        let inject = origin
            .and_then(|origin| InjectKeyLayer::new(origin, self.key.clone()))
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

    pub(crate) fn source(&self) -> Source {
        let key = self.key.clone();
        Box::new(move || Condition {
            status: key.status(),
            failing: None,
        })
    }
}

fn credential(header: &KeyHeader, secret: &Secret) -> Result<Credential, InvalidKey> {
    match header {
        KeyHeader::Scheme(scheme) => Credential::scheme(scheme, secret),
        KeyHeader::Bare(name) => Credential::header(HeaderName::clone(name), secret),
    }
}
