//! The current client keys, and the layer that checks requests against them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::body::{Body, HttpBody as _};
use futures_util::FutureExt as _;
use http::Request;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_rotating_auth::{
    Rotating, RotatingAuthLayer,
    inbound::{
        KeyLocation, KeyLocations, KeyRecord, KeySet, KeyStatus, RequestBody, RequireKeyLayer,
    },
    keyring::UseFile,
    metrics::record_keys,
};

use super::authorization::FollowedPolicies;
use super::config::{AuthConfig, ClientKeys, Guard, Mode, Policies};
use super::keys::{KeyFile, Keys};
use crate::error::Error;
use crate::gateway::config::Limits;
use crate::gateway::handler::{Answering, Handler};
use crate::gateway::health::{Condition, Source, source};
use crate::gateway::observe::Observers;
use crate::gateway::proxy::answers::Callers;
use crate::hangups::{Refresh, refresh};

pub(crate) struct Authenticator {
    require: RequireKeyLayer,
    keys: Option<Arc<Keys>>,
    /// The file of client keys, if there is one.
    file: Option<KeyFile>,
    policies: Option<FollowedPolicies>,
    mode: Mode,
    recorder: Mutex<Option<UseRecorder>>,
    /// How long requests are served with the last key set while its source fails.
    max_stale: Duration,
}

/// The task that records when keys were used.
struct UseRecorder {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Authenticator {
    /// Reads the client keys. Fails if none is usable.
    ///
    /// Keeps the client keys and the policies that were open `before`. If the client keys have
    /// another file now, that replaces the old one, and nothing changes if it is unusable.
    pub(crate) async fn open(
        config: AuthConfig,
        limits: &Limits,
        observers: &Observers,
        before: Option<&Self>,
    ) -> Result<Self, Error> {
        let max_stale = limits.max_stale;
        let Guard {
            keys: from,
            policies,
            proxies,
            secure_only,
            error_response,
            mode,
        } = match config {
            AuthConfig::Open(open) => {
                return Ok(Self {
                    require: RequireKeyLayer::dangerously_open(open),
                    keys: None,
                    file: None,
                    policies: None,
                    mode: Mode::Development,
                    recorder: Mutex::default(),
                    max_stale,
                });
            }
            AuthConfig::Guarded(guard) => *guard,
        };
        let locations = locations()?;
        // First what may fail without a trace.
        let (fixed, policies) = match policies {
            Policies::Fixed(policy) => (Some(policy), None),
            Policies::File(file) => {
                let open = before.and_then(|before| before.policies.as_ref());
                let policies = file.follow(limits.poll, observers, open).await?;
                (None, Some(policies))
            }
        };
        let file = match &from {
            ClientKeys::File { path, uses } => Some(KeyFile {
                path: path.clone(),
                poll: limits.poll,
                uses: uses.clone(),
            }),
            ClientKeys::Environment | ClientKeys::Fixed(_) => None,
        };
        let open = before.and_then(|before| Some((before, before.keys.as_ref()?, &file)));
        let keys = match open {
            Some((before, keys, Some(file))) => {
                before.move_to(keys, file).await?;
                Arc::clone(keys)
            }
            _ => Arc::new(Keys::open(from, limits, observers).await?),
        };
        let require = RequireKeyLayer::new(keys.set.clone())
            .observer(observers.clients())
            .locations(locations)
            // The proxy refuses those that no CORS layer has answered.
            .pass_preflights()
            .trusted_proxies(proxies)
            .max_stale(max_stale)
            .error_response(error_response);
        let require = match secure_only {
            Some(rule) => require.secure_only(rule),
            None => require,
        };
        let require = match (&policies, fixed) {
            (Some(followed), _) => require.rotating_policy(followed.policies.clone()),
            (None, Some(policy)) => require.policy(policy),
            (None, None) => require,
        };
        let new = Self {
            require,
            keys: Some(keys),
            file,
            policies,
            mode,
            recorder: Mutex::default(),
            max_stale,
        };
        new.record_uses();
        Ok(new)
    }

    /// Reads the client keys from another file from now on, if it is another one.
    async fn move_to(&self, keys: &Keys, file: &KeyFile) -> Result<(), Error> {
        let Some(old) = &self.file else {
            return Ok(());
        };
        if (&old.path, old.poll) == (&file.path, file.poll) {
            return Ok(());
        }
        // Uses of the old file's keys do not belong into a file beside the new one.
        self.close().await;
        let moved = keys.move_to(file, old).await;
        if moved.is_err() {
            self.record_uses();
        }
        moved
    }

    /// Starts to record uses, if there is a file for that.
    fn record_uses(&self) {
        let uses = self.file.as_ref().and_then(|file| file.uses.clone());
        let recorder = uses.zip(self.keys.as_ref());
        let recorder = recorder.map(|(uses, keys)| UseRecorder::begin(uses, keys.set.clone()));
        *self.recorder.lock().unwrap_or_else(PoisonError::into_inner) = recorder;
    }

    /// Lets requests of clients with a valid key through to `app`.
    pub(crate) fn guard(
        &self,
        app: impl Fn(Request<Body>) -> Answering + Clone + Send + Sync + 'static,
    ) -> Handler {
        let app = service_fn(move |request: Request<RequestBody<Body>>| {
            let answer = app(request.map(|body| match body.is_end_stream() {
                true => Body::empty(),
                false => Body::new(body),
            }));
            answer.map(Ok)
        });
        let guarded = RotatingAuthLayer::new().require(self.require.clone());
        let guarded = guarded.layer(app);
        Handler::from_service(guarded.map_response(|response| response.map(Body::new)))
    }

    /// Returns the health of the client keys and the policies, if they have a source.
    pub(crate) fn sources(&self) -> Vec<Source> {
        let max_stale = self.max_stale;
        let keys = self.keys.clone().map(|keys| -> Source {
            Box::new(move || Condition {
                status: keys.set.status(),
                failing: Some((keys.set.current().failing_for(), max_stale)),
            })
        });
        let policies = self.policies.as_ref();
        keys.into_iter()
            .chain(policies.map(|followed| source(&followed.policies)))
            .collect()
    }

    /// Sets the gauges about client keys.
    pub(crate) fn measure(&self) {
        if let Some(keys) = &self.keys {
            record_keys(&keys.set, SystemTime::now());
        }
    }

    /// Returns whether more than one client may send requests. In development mode, they are
    /// programs of this machine.
    pub(crate) fn callers(&self) -> Callers {
        let Some(keys) = &self.keys else {
            return Callers::One;
        };
        let (keys, now) = (keys.set.current(), SystemTime::now());
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
        let keys = self.keys.as_ref()?.set.current();
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
        let keys = self.keys.as_ref().map(|keys| refresh(&keys.set));
        let policies = self.policies.as_ref();
        let policies = policies.map(|followed| refresh(&followed.policies));
        keys.into_iter().chain(policies)
    }

    /// Records the last uses, and ends to record. Call it after the last request.
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
