//! An upstream that has read its key, and the way of a request to it.

use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use tower::ServiceBuilder;
use tower_rotating_auth::RotatingAuthLayer;
use tower_rotating_auth::outbound::connect::expect_continue::{ExpectContinueLayer, UnknownLength};
use tower_rotating_auth::outbound::connect::resend::ResendLayer;

use super::key::UpstreamKey;
use super::settings::Upstream;
use crate::error::Error;
use crate::gateway::config::Limits;
use crate::gateway::health::{Source, UpstreamHealth};
use crate::gateway::observe::Observers;
use crate::gateway::proxy::address::base_url::Base;
use crate::gateway::proxy::admission::Admission;
use crate::gateway::proxy::answers::Answers;
use crate::gateway::proxy::body::idle_timeout::Progress;
use crate::gateway::proxy::body::replay::BudgetedReplay;
use crate::gateway::proxy::headers::{HeaderRules, Via};
use crate::gateway::proxy::sent_keys::SentKeys;
use crate::gateway::proxy::{Proxy, Reports, Target, client};
use crate::gateway::server::tls::Tls;
use crate::hangups::Refresh;

type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// What all upstreams of a gateway share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) headers: HeaderRules,
    pub(crate) admission: Admission,
    pub(crate) replay: BudgetedReplay,
    pub(crate) via: Via,
    pub(crate) reports: Arc<Reports>,
    pub(crate) observers: Observers,
}

/// An upstream that has read its key.
pub(crate) struct OpenUpstream {
    settings: Upstream,
    key: UpstreamKey,
    identity: Option<Tls>,
    answers: Answers,
    forward: Box<dyn Fn(Request<Body>) -> Answer + Send + Sync>,
}

impl OpenUpstream {
    /// Reads the key. Fails if there is no usable one.
    pub(crate) async fn open(settings: Upstream, shared: &Shared) -> Result<Self, Error> {
        let Shared { limits, replay, .. } = shared;
        let key = UpstreamKey::open(&settings, limits, &shared.observers).await?;
        let identity = match &settings.identity {
            Some(files) => {
                let name = settings.tls_name();
                Some(Tls::open(files, &name, limits.poll, &shared.observers).await?)
            }
            None => None,
        };
        let headers = shared.headers.with_key(settings.header.name());
        let key_header = headers.key.clone();
        let ask_first = ExpectContinueLayer::new(limits.proxy.replay.0 as u64)
            .unknown_length(UnknownLength::HoldBack)
            .timeout(limits.proxy.continue_timeout);
        let client = ServiceBuilder::new()
            .layer(RotatingAuthLayer::new().inject(key.inject(&settings, replay.clone())?))
            .map_request(Progress::note_attempt)
            .map_request(move |request| SentKeys::note(request, &key_header))
            .layer(ResendLayer::new(replay.counted()))
            .layer(ask_first)
            .service(client::connect(
                &settings.base,
                settings.ca.as_ref(),
                identity.as_ref().map(Tls::client_certificate),
            )?);
        let answers = Answers::default();
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
        let proxy = Proxy::new(client, shared.admission.clone(), target);
        Ok(Self {
            settings,
            key,
            identity,
            answers,
            forward: Box::new(move |request| Box::pin(proxy.clone().answer(request))),
        })
    }

    pub(crate) fn answer(&self, request: Request<Body>) -> Answer {
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
        self.identity.iter().flat_map(Tls::sources)
    }

    /// Returns what reads the key and the certificate again.
    pub(crate) fn refresh(&self) -> impl Iterator<Item = Refresh> {
        let certificates = self.identity.iter().flat_map(Tls::refresh);
        std::iter::once(self.key.refresh()).chain(certificates)
    }
}
