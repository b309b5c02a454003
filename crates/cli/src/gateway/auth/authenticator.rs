//! The door, as it stands: the keys that open it, and the layer that looks at them.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_rotating_auth::{
    Rotating, RotatingAuthLayer,
    inbound::{IntoKeySet, KeySet, RequireKeyLayer},
    keyring::UseFile,
    rotating::{Publisher, StartError},
    source::{EnvSource, FileSource},
};

use super::config::{AuthConfig, ClientKeys, Guard};
use crate::error::{Error, chain};
use crate::gateway::events::EventLog;
use crate::gateway::health::{Source, source};

/// What events, the status and error messages call the clients' keys.
const NAME: &str = "client-keys";

pub(crate) struct Authenticator {
    require: RequireKeyLayer,
    keys: Option<Rotating<KeySet>>,
    notes: Option<Notes>,
    /// Of a key that never changes. While this lives, somebody is in charge of it.
    _publisher: Option<Publisher<KeySet>>,
}

/// Notes when keys were used, for as long as this lives.
struct Notes {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Authenticator {
    /// Reads the clients' keys for the first time: no usable key, no gateway.
    pub(crate) async fn open(
        config: AuthConfig,
        poll: Duration,
        log: EventLog,
    ) -> Result<Self, Error> {
        let Guard {
            keys: from,
            policies,
            refuser,
        } = match config {
            AuthConfig::Open(open) => {
                return Ok(Self {
                    require: RequireKeyLayer::dangerously_open(open),
                    keys: None,
                    notes: None,
                    _publisher: None,
                });
            }
            AuthConfig::Guarded(guard) => guard,
        };
        let builder = Rotating::builder().name(NAME).poll(poll).observer(log);
        let (mut publisher, mut notes) = (None, None);
        let keys = match from {
            ClientKeys::File { path, uses } => {
                let file = FileSource::new(&path);
                let keys = builder.start(file.key_set()).await;
                let keys = keys.map_err(|error| unusable(&path.display().to_string(), &error))?;
                notes = uses.map(|uses| Notes::begin(uses, keys.clone()));
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
            .policy(policies)
            .error_response(refuser);
        Ok(Self {
            require,
            keys: Some(keys),
            notes,
            _publisher: publisher,
        })
    }

    pub(crate) fn layer(&self) -> RotatingAuthLayer<RequireKeyLayer, tower::layer::util::Identity> {
        RotatingAuthLayer::new().require(self.require.clone())
    }

    pub(crate) fn source(&self) -> Option<Source> {
        self.keys.as_ref().map(source)
    }

    /// After the last request: what was used since it was noted last is noted.
    pub(crate) async fn close(self) {
        if let Some(Notes { end, task }) = self.notes {
            drop(end);
            // It ends by a panic or as it should; nothing can be done about either.
            drop(task.await);
        }
    }
}

impl Notes {
    fn begin(uses: UseFile, keys: Rotating<KeySet>) -> Self {
        let (end, ended) = oneshot::channel();
        let noting = uses.follow_until(keys, async { drop(ended.await) });
        Self {
            end,
            task: tokio::spawn(noting),
        }
    }
}

fn unusable(from: &str, error: &StartError) -> Error {
    Error::start(format!("no client keys from {from}: {}", chain(error)))
}
