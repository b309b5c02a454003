//! The client keys that are in force, and their file, which can become another one.

use std::path::PathBuf;
use std::time::Duration;

use tower_rotating_auth::{
    Rotating,
    inbound::{IntoKeySet, KeySet},
    keyring::UseFile,
    rotating::Publisher,
    source::{BoxSource, EnvSource, FileSource, Source as _, SourceError},
};

use super::config::ClientKeys;
use crate::error::{Error, chain};
use crate::gateway::config::Limits;
use crate::gateway::observe::Observers;
use crate::gateway::switch::{Switch, switched};

/// The key set's name in events and in `/readyz`.
const NAME: &str = "client-keys";

/// The client keys. They outlive a change of their file, so that open streams follow the new one.
pub(super) struct Keys {
    pub(super) set: Rotating<KeySet>,
    /// Replaces the file.
    switch: Option<Switch<KeySet>>,
    /// Keeps a fixed set current. Dropping it would end the rotating value.
    _publisher: Option<Publisher<KeySet>>,
}

/// A file with client keys.
#[derive(Clone, Debug)]
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) poll: Duration,
    pub(super) uses: Option<UseFile>,
}

impl Keys {
    /// Reads the keys. Fails if none is usable.
    pub(super) async fn open(
        from: ClientKeys,
        limits: &Limits,
        observers: &Observers,
    ) -> Result<Self, Error> {
        let builder = Rotating::builder()
            .name(NAME)
            .wait_for_first(limits.wait_for_key)
            .observer(observers.values());
        match from {
            ClientKeys::File { path, uses } => {
                let poll = limits.poll;
                let file = KeyFile { path, poll, uses };
                let (switch, source) = switched(file.source());
                let set = builder.start(source).await;
                let set =
                    set.map_err(|error| unusable(&file.path.display().to_string(), &error))?;
                Ok(Self {
                    set,
                    switch: Some(switch),
                    _publisher: None,
                })
            }
            ClientKeys::Environment => {
                let source = EnvSource::new("CLIENT_KEYS").key_set();
                let set = builder.poll(limits.poll).start(source).await;
                let set = set.map_err(|error| unusable("CLIENT_KEYS", &error))?;
                Ok(Self {
                    set,
                    switch: None,
                    _publisher: None,
                })
            }
            ClientKeys::Fixed(set) => {
                let (set, publisher) = builder.manual(set);
                Ok(Self {
                    set,
                    switch: None,
                    _publisher: Some(publisher),
                })
            }
        }
    }

    /// Reads the keys from another file from now on, or from the same one at another interval. If
    /// it is unusable, nothing changes.
    pub(super) async fn move_to(&self, file: &KeyFile, old: &KeyFile) -> Result<(), Error> {
        let Some(switch) = &self.switch else {
            return Ok(());
        };
        let source = match file.path == old.path {
            true => file.newer_than(KeySet::clone(&self.set.current())),
            false => file.source(),
        };
        let replaced = switch.replace(source).await;
        replaced.map_err(|error| unusable(&file.path.display().to_string(), &error))?;
        // When this returns, the new set is current. The log has a line if it fails.
        drop(self.set.refresh().await);
        Ok(())
    }
}

impl KeyFile {
    /// Returns the source without what is older than `current`. An older copy of the file would
    /// bring revoked keys back.
    fn newer_than(&self, current: KeySet) -> BoxSource<KeySet> {
        let is_newer = move |new: &KeySet| {
            new.not_older_than(&current).map_err(|error| {
                SourceError::invalid("the file holds an older key set").with_source(error)
            })
        };
        self.source().validate(is_newer).boxed()
    }

    fn source(&self) -> BoxSource<KeySet> {
        FileSource::new(&self.path)
            .poll(self.poll)
            .key_set()
            .boxed()
    }
}

fn unusable(from: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    let why = chain(error);
    Error::start(format!("cannot read client keys from {from}: {why}"))
}
