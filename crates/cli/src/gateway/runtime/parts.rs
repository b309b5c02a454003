//! The parts that a reload replaces: the upstreams, the client keys, and the application around
//! them.

use std::sync::Arc;

use futures_util::future::try_join_all;
use tower_rotating_auth::inbound::TrustedProxies;

use crate::error::Error;
use crate::gateway::access::AccessLog;
use crate::gateway::auth::{AuthConfig, Authenticator};
use crate::gateway::config::{ClientKeysChange, Settings};
use crate::gateway::edge::cors::{self, Origin};
use crate::gateway::edge::only_local;
use crate::gateway::handler::Handler;
use crate::gateway::health::{Source, UpstreamHealth};
use crate::gateway::observe::{Metrics, Observers};
use crate::gateway::proxy::Reports;
use crate::gateway::proxy::admission::{Admission, Rules};
use crate::gateway::proxy::body::replay::ReplayMemory;
use crate::gateway::proxy::headers::Via;
use crate::gateway::upstream::{OpenUpstream, Shared, Upstream, Upstreams};
use crate::hangups::Refresh;

/// The parts that last as long as the process.
#[derive(Clone)]
pub(crate) struct Lasting {
    pub(crate) via: Via,
    pub(crate) access: AccessLog,
    pub(crate) reports: Arc<Reports>,
    pub(crate) observers: Observers,
    /// The content of `/metrics`, if that is served.
    pub(crate) metrics: Option<Metrics>,
}

/// The parts that a reload replaces.
pub(crate) struct Parts {
    shared: Shared,
    upstreams: Upstreams,
    authenticator: Arc<Authenticator>,
    mode: Access,
    cors: Vec<Origin>,
}

/// The clients that may send requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Clients with a key.
    Guarded,
    /// Programs of this machine.
    Local,
}

impl Parts {
    /// Reads all keys, and fails if one of them is unusable.
    pub(crate) async fn open(settings: Settings, lasting: &Lasting) -> Result<Self, Error> {
        let rules = rules(&settings);
        let shared = Shared {
            limits: settings.limits,
            headers: settings.headers,
            admission: Admission::default(),
            replay: ReplayMemory::default(),
            via: lasting.via.clone(),
            reports: Arc::clone(&lasting.reports),
            observers: lasting.observers.clone(),
        };
        apply(rules, &shared);
        let upstreams = open_upstreams(settings.upstreams, &shared, None);
        let mode = Access::of(&settings.server.auth);
        let limits = &settings.limits;
        let authenticator =
            Authenticator::open(settings.server.auth, limits, &lasting.observers, None);
        let (upstreams, authenticator) = tokio::try_join!(upstreams, authenticator)?;
        Ok(Self {
            shared,
            upstreams,
            authenticator: Arc::new(authenticator),
            mode,
            cors: settings.server.cors,
        })
    }

    /// Opens what differs in new settings, and keeps the rest, such as the key of an upstream whose
    /// source is the same.
    pub(crate) async fn changed(
        &self,
        settings: Settings,
        client_keys: ClientKeysChange,
    ) -> Result<Self, Error> {
        let limits = settings.limits.after_start();
        let (old, rules) = (&self.shared, rules(&settings));
        let shared = Shared {
            limits,
            headers: settings.headers,
            ..old.clone()
        };
        let upstreams = open_upstreams(settings.upstreams, &shared, Some(&self.upstreams)).await?;
        let mode = Access::of(&settings.server.auth);
        // Last, since open streams follow a new file of client keys from then on.
        let authenticator = match client_keys {
            ClientKeysChange::Same => Arc::clone(&self.authenticator),
            ClientKeysChange::Changed => {
                let (auth, open) = (settings.server.auth, Some(&*self.authenticator));
                Arc::new(Authenticator::open(auth, &limits, &old.observers, open).await?)
            }
        };
        apply(rules, &shared);
        Ok(Self {
            shared,
            upstreams,
            authenticator,
            mode,
            cors: settings.server.cors,
        })
    }

    /// Returns the application that clients reach, behind authentication. `wrap` gets the part that
    /// needs a key.
    pub(crate) fn app(&self, wrap: impl FnOnce(Handler) -> Handler) -> Handler {
        let upstreams = self.upstreams.clone();
        let guarded = self
            .authenticator
            .guard(move |request| upstreams.answer(request));
        let guarded = wrap(guarded);
        match self.mode {
            Access::Guarded => guarded,
            Access::Local => only_local(guarded, cors::named(&self.cors).unwrap_or_default()),
        }
    }

    pub(crate) fn cors(&self) -> &[Origin] {
        &self.cors
    }

    pub(crate) fn upstream_health(&self) -> Vec<UpstreamHealth> {
        self.upstreams
            .iter()
            .map(|upstream| upstream.health())
            .collect()
    }

    /// Returns the sources besides those of the upstreams' keys.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> {
        let certificates = self
            .upstreams
            .iter()
            .flat_map(|upstream| upstream.sources());
        self.authenticator.sources().into_iter().chain(certificates)
    }

    /// Returns what reads all keys again.
    pub(crate) fn refresh(&self) -> Vec<Refresh> {
        self.upstreams
            .iter()
            .flat_map(|upstream| upstream.refresh())
            .chain(self.authenticator.refresh())
            .collect()
    }

    /// Returns lines about the keys that were read.
    pub(crate) fn client_keys(&self) -> Option<String> {
        self.authenticator.summary()
    }

    pub(crate) const fn authenticator(&self) -> &Arc<Authenticator> {
        &self.authenticator
    }
}

impl Access {
    const fn of(auth: &AuthConfig) -> Self {
        match auth {
            AuthConfig::Open(_) => Self::Local,
            AuthConfig::Guarded(_) => Self::Guarded,
        }
    }
}

/// Returns the rules of settings for concurrent requests.
fn rules(settings: &Settings) -> Rules {
    let proxy = settings.limits.proxy;
    Rules {
        limit: proxy.requests,
        limit_each: proxy.requests_per_client,
        upstreams: settings.upstreams.iter().map(Upstream::label).collect(),
        proxies: match &settings.server.auth {
            AuthConfig::Guarded(guard) => guard.proxies.clone(),
            AuthConfig::Open(_) => TrustedProxies::default(),
        },
    }
}

/// Applies rules to all upstreams, also to those that stay open.
fn apply(rules: Rules, shared: &Shared) {
    let (_, all) = shared.limits.proxy.replay;
    shared.replay.apply(all, &rules.upstreams);
    shared.admission.apply(rules);
}

/// Opens upstreams. Those that are open under the same name keep what their settings do not change.
async fn open_upstreams(
    all: Vec<Upstream>,
    shared: &Shared,
    open: Option<&Upstreams>,
) -> Result<Upstreams, Error> {
    let opening = all.into_iter().map(async |settings| {
        let mut open = open.into_iter().flat_map(Upstreams::iter);
        let before = open.find(|upstream| upstream.settings().name == settings.name);
        OpenUpstream::open(settings, shared, before).await
    });
    try_join_all(opening).await.map(Upstreams::new)
}
