//! The rotation of client keys: one set after the other, each with the new key and the one before.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};
use tokio::sync::watch;
use tower_rotating_auth::inbound::KeyDigest;

use crate::gateway::harness::{Gateway, soon};

/// A stream lasts for three rotations: who streams gets a new key with each fourth set alone, since
/// one that is dropped cuts what it has begun.
const SETS_TO_A_STREAM: usize = 4;

/// The kind of a client, by how long its requests take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Brief,
    Streaming,
}

/// Which key of a kind of client: the first is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key(Kind, usize);

/// The knowledge of the clients: the set that is in force, and who is under way with which key.
#[derive(Clone)]
pub(crate) struct ClientKeys(Arc<watch::Sender<State>>);

#[derive(Default)]
struct State {
    set: usize,
    under_way: Vec<Key>,
}

/// A request's key, for as long as the request is under way.
pub(crate) struct KeyInUse {
    key: Key,
    keys: ClientKeys,
}

/// Whoever replaces the keys.
pub(crate) struct KeyWriter {
    folder: TempDir,
    keys: ClientKeys,
}

impl KeyWriter {
    /// With the first set in the file.
    pub(crate) fn new() -> Self {
        let writer = Self {
            folder: tempfile::tempdir().unwrap(),
            keys: ClientKeys(Arc::new(watch::Sender::new(State::default()))),
        };
        writer.write(0);
        writer
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("clients.toml")
    }

    pub(crate) fn keys(&self) -> ClientKeys {
        self.keys.clone()
    }

    /// Replaces the set when nobody is under way with a key that the new one lacks; the clients
    /// take the new keys once the gateway has them.
    pub(crate) async fn replace(&self, set: usize, gateway: &Gateway) {
        let mut keys = self.keys.0.subscribe();
        let kept = keys_of(set);
        let dropped = |key: &Key| !kept.contains(key);
        let nobody = keys.wait_for(|state| !state.under_way.iter().any(dropped));
        drop(soon(nobody).await.unwrap());
        self.write(set);

        let generation = set + 1;
        let text = format!("client-keys is at generation {generation} (");
        gateway.said(&text).await;
        let answer = soon(reqwest::get(gateway.url("/readyz"))).await.unwrap();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(body["sources"][1]["generation"], generation, "{body}");
        self.keys.0.send_modify(|state| state.set = set);
    }

    /// A new file in the place of the old one.
    fn write(&self, set: usize) {
        let mut text = format!("version = 1\nserial = {set}\n[[client]]\nid = \"c\"\n");
        for key in keys_of(set) {
            let digest = KeyDigest::of(key.text().as_bytes()).to_text();
            text += &format!(
                "[[key]]\nid = \"{:?}-{}\"\nclient = \"c\"\ndigest = \"{digest}\"\n",
                key.0, key.1
            );
        }
        let file = NamedTempFile::new_in(&self.folder).unwrap();
        fs::write(&file, text).unwrap();
        file.persist(self.file()).unwrap();
    }

    /// Of the keys of brief requests, those that the gateway takes now.
    pub(crate) async fn taken(gateway: &Gateway, sets: usize) -> Vec<usize> {
        let client = reqwest::Client::new();
        let not_forwarded = gateway.url("/v1/..%2f");
        let mut taken = Vec::new();
        for number in 0..=sets {
            let key = Key(Kind::Brief, number).text();
            let request = client
                .get(&not_forwarded)
                .header("authorization", format!("Bearer {key}"));
            match soon(request.send()).await.unwrap().status() {
                StatusCode::BAD_REQUEST => taken.push(number),
                status => assert_eq!(status, StatusCode::UNAUTHORIZED),
            }
        }
        taken
    }
}

impl ClientKeys {
    /// The newest key, for one request.
    pub(crate) fn take(&self, kind: Kind) -> KeyInUse {
        let mut newest = Key(kind, 0);
        self.0.send_modify(|state| {
            newest = newest_of(kind, state.set);
            state.under_way.push(newest);
        });
        KeyInUse {
            key: newest,
            keys: self.clone(),
        }
    }
}

impl KeyInUse {
    pub(crate) fn text(&self) -> String {
        self.key.text()
    }
}

impl Drop for KeyInUse {
    fn drop(&mut self) {
        self.keys.0.send_modify(|state| {
            let at = state.under_way.iter().position(|key| *key == self.key);
            state.under_way.swap_remove(at.unwrap());
        });
    }
}

impl Key {
    fn text(self) -> String {
        format!("{:?}-{:04}-8Zk1tQ0mVd7RyXw3LpHs5N", self.0, self.1)
    }
}

/// Of each kind the new key and the one before.
fn keys_of(set: usize) -> Vec<Key> {
    [Kind::Brief, Kind::Streaming]
        .into_iter()
        .flat_map(|kind| {
            let Key(_, newest) = newest_of(kind, set);
            (newest.saturating_sub(1)..=newest).map(move |number| Key(kind, number))
        })
        .collect()
}

const fn newest_of(kind: Kind, set: usize) -> Key {
    match kind {
        Kind::Brief => Key(kind, set),
        Kind::Streaming => Key(kind, set / SETS_TO_A_STREAM),
    }
}
