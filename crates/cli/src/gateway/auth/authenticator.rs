//! The current client keys, and the layer that checks requests against them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_rotating_auth::{
    Rotating, RotatingAuthLayer,
    inbound::policy::RoutePolicy,
    inbound::{
        IntoKeySet, KeyLocation, KeyLocations, KeyRecord, KeySet, KeyStatus, RequireKeyLayer,
    },
    keyring::UseFile,
    metrics::record_keys,
    rotating::{Publisher, StartError},
    source::{EnvSource, FileSource},
};

use super::config::{AuthConfig, ClientKeys, Guard, Mode, Policies};
use crate::error::{Error, chain};
use crate::gateway::config::Limits;
use crate::gateway::health::{Condition, Source, source};
use crate::gateway::observe::Observers;
use crate::gateway::proxy::answers::Callers;
use crate::hangups::{Refresh, refresh};

/// The key set's name in events and in `/readyz`.
const NAME: &str = "client-keys";

pub(crate) struct Authenticator {
    require: RequireKeyLayer,
    keys: Option<Rotating<KeySet>>,
    policies: Option<Rotating<RoutePolicy>>,
    mode: Mode,
    recorder: Mutex<Option<UseRecorder>>,
    /// How long requests are served with the last key set while its source fails.
    max_stale: Duration,
    /// Keeps a fixed set current. Dropping it would end the rotating value.
    _publisher: Option<Publisher<KeySet>>,
}

/// The task that records when keys were used.
struct UseRecorder {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Authenticator {
    /// Reads the client keys. Fails if none is usable.
    pub(crate) async fn open(
        config: AuthConfig,
        limits: &Limits,
        observers: &Observers,
    ) -> Result<Self, Error> {
        let Guard {
            keys: from,
            policies,
            proxies,
            refuser,
            mode,
        } = match config {
            AuthConfig::Open(open) => {
                return Ok(Self {
                    require: RequireKeyLayer::dangerously_open(open),
                    keys: None,
                    policies: None,
                    mode: Mode::Development,
                    recorder: Mutex::default(),
                    max_stale: limits.max_stale,
                    _publisher: None,
                });
            }
            AuthConfig::Guarded(guard) => *guard,
        };
        let builder = Rotating::builder()
            .name(NAME)
            .poll(limits.poll)
            .wait_for_first(limits.wait_for_key)
            .observer(observers.values());
        let (mut publisher, mut recorder) = (None, None);
        let keys = match from {
            ClientKeys::File { path, uses } => {
                let file = FileSource::new(&path);
                let keys = builder.start(file.key_set()).await;
                let keys = keys.map_err(|error| unusable(&path.display().to_string(), &error))?;
                recorder = uses.map(|uses| UseRecorder::begin(uses, keys.clone()));
                keys
            }
            ClientKeys::Environment => {
                let keys = builder.start(EnvSource::new("CLIENT_KEYS").key_set()).await;
                keys.map_err(|error| unusable("CLIENT_KEYS", &error))?
            }
            ClientKeys::Fixed(set) => {
                let (keys, in_charge) = builder.manual(set);
                publisher = Some(in_charge);
                keys
            }
        };
        let require = RequireKeyLayer::new(keys.clone())
            .observer(observers.clients())
            .locations(locations()?)
            // The proxy refuses those that no CORS layer has answered.
            .pass_preflights()
            .trusted_proxies(proxies)
            .max_stale(limits.max_stale)
            .error_response(refuser);
        let (require, policies) = match policies {
            Policies::Fixed(policy) => (require.policy(policy), None),
            Policies::File(file) => {
                let policies = file.open(limits.poll, observers).await?;
                (require.rotating_policy(policies.clone()), Some(policies))
            }
        };
        Ok(Self {
            require,
            keys: Some(keys),
            policies,
            mode,
            recorder: Mutex::new(recorder),
            max_stale: limits.max_stale,
            _publisher: publisher,
        })
    }

    pub(crate) fn layer(&self) -> RotatingAuthLayer<RequireKeyLayer, tower::layer::util::Identity> {
        RotatingAuthLayer::new().require(self.require.clone())
    }

    /// Returns the health of the client keys and the policies, if they have a source.
    pub(crate) fn sources(&self) -> Vec<Source> {
        let max_stale = self.max_stale;
        let keys = self.keys.clone().map(|keys| -> Source {
            Box::new(move || Condition {
                status: keys.status(),
                failing: Some((keys.current().failing_for(), max_stale)),
            })
        });
        keys.into_iter()
            .chain(self.policies.as_ref().map(source))
            .collect()
    }

    /// Sets the gauges about client keys.
    pub(crate) fn measure(&self) {
        if let Some(keys) = &self.keys {
            record_keys(keys, SystemTime::now());
        }
    }

    /// Returns whether more than one client may send requests. In development mode, they are
    /// programs of this machine.
    pub(crate) fn callers(&self) -> Callers {
        let Some(keys) = &self.keys else {
            return Callers::One;
        };
        let (keys, now) = (keys.current(), SystemTime::now());
        let mut clients = keys
            .records()
            .filter(|key| key.status_at(now) == KeyStatus::Active)
            .map(KeyRecord::client);
        let first = clients.next();
        match self.mode != Mode::Mixed && clients.all(|client| Some(client) == first) {
            true => Callers::One,
            false => Callers::Several,
        }
    }

    /// Returns how many client keys there are, by status.
    pub(crate) fn summary(&self) -> Option<String> {
        let keys = self.keys.as_ref()?.current();
        let now = SystemTime::now();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for record in keys.records() {
            let status = record.status_at(now).to_string();
            *counts.entry(status).or_default() += 1;
        }
        let counts = counts
            .iter()
            .map(|(status, count)| format!("{count} {status}"));
        Some(counts.collect::<Vec<_>>().join(", "))
    }

    /// Returns what reads the client keys and the policies again, if they have a source.
    pub(crate) fn refresh(&self) -> impl Iterator<Item = Refresh> {
        let keys = self.keys.as_ref().map(refresh);
        keys.into_iter().chain(self.policies.as_ref().map(refresh))
    }

    /// Records the last uses. Call it after the last request.
    pub(crate) async fn close(&self) {
        let recorder = self.recorder.lock();
        let recorder = recorder.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(UseRecorder { end, task }) = recorder {
            drop(end);
            // If the task panicked, there is nothing left to record.
            drop(task.await);
        }
    }
}

impl UseRecorder {
    fn begin(uses: UseFile, keys: Rotating<KeySet>) -> Self {
        let (end, ended) = oneshot::channel();
        let noting = uses.follow_until(keys, async { drop(ended.await) });
        Self {
            end,
            task: tokio::spawn(noting),
        }
    }
}

/// Returns where clients may put their key: in the usual headers, or, as browsers must for a
/// WebSocket, in a subprotocol.
fn locations() -> Result<KeyLocations, Error> {
    let usual = KeyLocations::default().as_slice().to_vec();
    let all = usual.into_iter().chain([KeyLocation::WebSocketProtocol]);
    KeyLocations::new(all).map_err(|error| Error::start(format!("places of keys: {error}")))
}

fn unusable(from: &str, error: &StartError) -> Error {
    Error::start(format!(
        "cannot read client keys from {from}: {}",
        chain(error)
    ))
}
