//! The door, as it stands: the keys that open it, and the layer that looks at them.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_rotating_auth::{
    Rotating, RotatingAuthLayer,
    inbound::{IntoKeySet, KeyRecord, KeySet, RequireKeyLayer, Scopes},
    keyring::{NewKey, UseFile},
    rotating::{Publisher, StartError},
    source::{EnvSource, FileSource},
};

use super::config::{AuthConfig, Guard, KeysFrom};
use crate::error::{Error, chain};
use crate::gateway::events;
use crate::gateway::health::{Source, source};

/// What events, the status and error messages call the clients' keys.
const NAME: &str = "client-keys";

pub(crate) struct Authenticator {
    require: RequireKeyLayer,
    keys: Option<Rotating<KeySet>>,
    present: Present,
    notes: Option<Notes>,
    /// Of a key that never changes. While this lives, somebody is in charge of it.
    _publisher: Option<Publisher<KeySet>>,
}

/// Notes when keys were used, for as long as this lives.
struct Notes {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// What a client has to present.
pub(crate) enum Present {
    /// Nothing.
    Nothing,
    /// One of the keys that were told.
    OneOfTheirs,
    /// The key that was made.
    New(NewKey),
}

impl Authenticator {
    /// Reads the clients' keys for the first time: no usable key, no gateway.
    pub(crate) async fn open(config: AuthConfig, poll: Duration) -> Result<Self, Error> {
        let Guard {
            keys: from,
            policies,
            refuser,
        } = match config {
            AuthConfig::Open(open) => {
                return Ok(Self {
                    require: RequireKeyLayer::dangerously_open(open),
                    keys: None,
                    present: Present::Nothing,
                    notes: None,
                    _publisher: None,
                });
            }
            AuthConfig::Guarded(guard) => guard,
        };
        let builder = Rotating::builder()
            .name(NAME)
            .poll(poll)
            .observer(events::log);
        let (mut publisher, mut notes) = (None, None);
        let mut present = Present::OneOfTheirs;
        let keys = match from {
            KeysFrom::File { path, uses } => {
                let file = FileSource::new(&path);
                let keys = builder.start(file.key_set()).await;
                let keys = keys.map_err(|error| unusable(&path.display().to_string(), &error))?;
                notes = uses.map(|uses| Notes::begin(uses, keys.clone()));
                keys
            }
            KeysFrom::Environment => {
                let keys = builder.start(EnvSource::new("CLIENT_KEYS").key_set()).await;
                keys.map_err(|error| unusable("CLIENT_KEYS", &error))?
            }
            KeysFrom::New => {
                let (key, set) = new_key()?;
                let (keys, in_charge) = builder.manual(set);
                publisher = Some(in_charge);
                present = Present::New(key);
                keys
            }
        };
        let require = RequireKeyLayer::new(keys.clone())
            .policy(policies)
            .error_response(refuser);
        Ok(Self {
            require,
            keys: Some(keys),
            present,
            notes,
            _publisher: publisher,
        })
    }

    pub(crate) fn layer(&self) -> RotatingAuthLayer<RequireKeyLayer, tower::layer::util::Identity> {
        RotatingAuthLayer::new().require(self.require.clone())
    }

    pub(crate) const fn present(&self) -> &Present {
        &self.present
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

fn new_key() -> Result<(NewKey, KeySet), Error> {
    let failed = |why: &dyn std::fmt::Display| Error::start(format!("no client key: {why}"));
    let key = NewKey::generate().map_err(|error| failed(&error))?;
    let client = "demo".parse().map_err(|error| failed(&error))?;
    let record = KeyRecord::new(key.id().clone(), client, Scopes::default());
    let set = KeySet::new([(key.digest(), record)]).map_err(|error| failed(&error))?;
    Ok((key, set))
}

fn unusable(from: &str, error: &StartError) -> Error {
    Error::start(format!("no client keys from {from}: {}", chain(error)))
}
