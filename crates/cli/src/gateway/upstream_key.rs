//! The upstream's key: where it comes from, and what puts it on requests.

use std::time::Duration;

use http::HeaderName;
use tower_rotating_auth::{
    InvalidKey, Rotating, Secret,
    outbound::adapter::HttpAdapter,
    outbound::replay::BufferBody,
    outbound::{Credential, InjectKeyLayer, IntoCredential},
    rotating::Publisher,
    source::FileSource,
};

use super::config::{KeyFrom, KeyHeader, Upstream};
use super::events::EventLog;
use super::health::{Source, source};
use super::proxy::upload;
use crate::error::{Error, chain};

/// What events, the status and error messages call it.
const NAME: &str = "upstream-key";

pub(crate) struct UpstreamKey {
    key: Rotating<Credential>,
    /// Of a key that never changes. While this lives, somebody is in charge of it.
    _publisher: Option<Publisher<Credential>>,
}

impl UpstreamKey {
    /// Reads the key for the first time: no key, no gateway.
    pub(crate) async fn open(
        upstream: &Upstream,
        poll: Duration,
        log: EventLog,
    ) -> Result<Self, Error> {
        let builder = Rotating::builder()
            .name(NAME)
            .observer(log)
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
                let file = FileSource::new(path).poll(poll);
                let key = match &upstream.header {
                    KeyHeader::Bearer => builder.start(file.bearer()).await,
                    KeyHeader::Bare(name) => builder.start(file.header(name.clone())).await,
                };
                let failed = |error| {
                    Error::start(format!("no key from {}: {}", path.display(), chain(&error)))
                };
                Ok(Self {
                    key: key.map_err(failed)?,
                    _publisher: None,
                })
            }
        }
    }

    /// Puts the key on requests to the upstream, and on none to anywhere else.
    pub(crate) fn inject(
        &self,
        upstream: &Upstream,
    ) -> Result<InjectKeyLayer<HttpAdapter<BufferBody>>, Error> {
        let inject = InjectKeyLayer::new(upstream.base.origin(), self.key.clone())
            .map_err(|error| Error::usage(format!("--upstream: {error}")))?;
        Ok(inject.override_existing().replay(upload::KEEP))
    }

    pub(crate) fn source(&self) -> Source {
        source(&self.key)
    }
}

fn credential(header: &KeyHeader, secret: &Secret) -> Result<Credential, InvalidKey> {
    match header {
        KeyHeader::Bearer => Credential::bearer(secret),
        KeyHeader::Bare(name) => Credential::header(HeaderName::clone(name), secret),
    }
}
