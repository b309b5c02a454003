//! An upstream that has read its key, and the way of a request to it.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use tower::ServiceBuilder;
use tower_rotating_auth::RotatingAuthLayer;
use tower_rotating_auth::outbound::connect::expect_continue::{ExpectContinueLayer, UnknownLength};
use tower_rotating_auth::outbound::connect::resend::ResendLayer;

use super::key::UpstreamKey;
use super::settings::Upstream;
use crate::error::Error;
use crate::gateway::config::Limits;
use crate::gateway::handler::Answering;
use crate::gateway::health::{Source, UpstreamHealth};
use crate::gateway::observe::Observers;
use crate::gateway::proxy::address::base_url::Base;
use crate::gateway::proxy::admission::Admission;
use crate::gateway::proxy::answers::Answers;
use crate::gateway::proxy::attempts::Attempts;
use crate::gateway::proxy::body::replay::ReplayMemory;
use crate::gateway::proxy::client::{self, Clients};
use crate::gateway::proxy::headers::{HeaderRules, Via};
use crate::gateway::proxy::{Proxy, Reports, Target};
use crate::gateway::server::tls::Tls;
use crate::hangups::Refresh;

/// The parts that all upstreams of a gateway share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) headers: HeaderRules,
    pub(crate) admission: Admission,
    pub(crate) replay: ReplayMemory,
    pub(crate) via: Via,
    pub(crate) reports: Arc<Reports>,
    pub(crate) observers: Observers,
}

/// An upstream that has read its key.
pub(crate) struct OpenUpstream {
    settings: Upstream,
    limits: Limits,
    headers: HeaderRules,
    key: Arc<UpstreamKey>,
    identity: Option<Arc<Tls>>,
    clients: Clients,
    answers: Answers,
    forward: Box<dyn Fn(Request<Body>) -> Answering + Send + Sync>,
}

impl OpenUpstream {
    /// Reads the key. Fails if there is no usable one.
    ///
    /// Keeps each part of the upstream that was open `before` whose settings are the same: its key
    /// with the previous one, its certificate, and its connections.
    pub(crate) async fn open(
        settings: Upstream,
        shared: &Shared,
        before: Option<&Arc<Self>>,
    ) -> Result<Arc<Self>, Error> {
        let limits = shared.limits;
        let before = match before {
            Some(before) if before.serves_as(&settings, shared) => return Ok(Arc::clone(before)),
            before => before.map(|before| &**before),
        };
        let same_key = before.filter(|before| before.settings.has_key_of(&settings));
        let key = match same_key {
            Some(before) => {
                before.key.poll(&settings, &limits).await?;
                Arc::clone(&before.key)
            }
            None => Arc::new(UpstreamKey::open(&settings, &limits, &shared.observers).await?),
        };
        let same_identity = before.filter(|before| before.has_identity_of(&settings, &limits));
        let identity = match (same_identity, &settings.identity) {
            (Some(before), _) => before.identity.clone(),
            (None, Some(files)) => {
                let name = settings.tls_name();
                let tls = Tls::open(files, &name, limits.poll, &shared.observers).await?;
                Some(Arc::new(tls))
            }
            (None, None) => None,
        };
        let same_server = same_identity.filter(|before| before.has_server_of(&settings));
        let (clients, answers) = match same_server {
            Some(before) => (before.clients.clone(), before.answers.clone()),
            None => {
                let identity = identity.as_deref().map(Tls::client_certificate);
                let clients = client::connect(&settings.base, settings.ca.as_ref(), identity)?;
                (clients, Answers::default())
            }
        };
        let headers = shared.headers.with_key(settings.header.name());
        let key_header = headers.key.clone();
        let ask_first = ExpectContinueLayer::new(limits.proxy.replay.0 as u64)
            .unknown_length(UnknownLength::HoldBack)
            .timeout(limits.proxy.continue_timeout);
        let replay = shared
            .replay
            .replay(limits.proxy.replay.0, settings.label());
        let service = ServiceBuilder::new()
            .layer(RotatingAuthLayer::new().inject(key.inject(
                &settings,
                &limits,
                replay.clone(),
            )?))
            .map_request(move |request| Attempts::note(request, &key_header))
            .layer(ResendLayer::new(replay.counted()))
            .layer(ask_first)
            .service(clients.clone());
        let target = Target {
            base: settings.base.clone(),
            label: settings.label(),
            patience: settings.timeout,
            limits: limits.proxy,
            headers,
            via: shared.via.clone(),
            reports: Arc::clone(&shared.reports),
            answers: answers.clone(),
        };
        let proxy = Arc::new(Proxy::new(service, shared.admission.clone(), target));
        Ok(Arc::new(Self {
            settings,
            limits,
            headers: shared.headers.clone(),
            key,
            identity,
            clients,
            answers,
            forward: Box::new(move |request| Box::pin(Arc::clone(&proxy).answer(request))),
        }))
    }

    /// Returns whether the upstream would be the same with these settings.
    fn serves_as(&self, settings: &Upstream, shared: &Shared) -> bool {
        let limits = |limits: &Limits| (limits.poll, limits.proxy);
        self.settings == *settings
            && limits(&self.limits) == limits(&shared.limits)
            && self.headers == shared.headers
    }

    fn has_identity_of(&self, settings: &Upstream, limits: &Limits) -> bool {
        let is_same =
            (&self.settings.name, &self.settings.identity) == (&settings.name, &settings.identity);
        is_same && (settings.identity.is_none() || self.limits.poll == limits.poll)
    }

    fn has_server_of(&self, settings: &Upstream) -> bool {
        self.settings.base.has_server_of(&settings.base) && self.settings.ca == settings.ca
    }

    pub(crate) fn answer(&self, request: Request<Body>) -> Answering {
        (self.forward)(request)
    }

    pub(crate) const fn base(&self) -> &Base {
        &self.settings.base
    }

    pub(crate) const fn settings(&self) -> &Upstream {
        &self.settings
    }

    pub(crate) fn health(&self) -> UpstreamHealth {
        UpstreamHealth {
            name: self.settings.name.clone(),
            key: self.key.source(),
            answers: self.answers.clone(),
        }
    }

    /// Returns the sources besides that of the key.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> {
        self.identity.iter().flat_map(|identity| identity.sources())
    }

    /// Returns what reads the key and the certificate again.
    pub(crate) fn refresh(&self) -> impl Iterator<Item = Refresh> {
        let certificates = self.identity.iter().flat_map(|identity| identity.refresh());
        std::iter::once(self.key.refresh()).chain(certificates)
    }
}
