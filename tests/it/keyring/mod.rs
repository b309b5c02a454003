//! Key rings: keys that are issued, rotated and revoked while a service runs.

mod faults;
mod law;
mod life;
mod lineage;
mod model;
mod roles;
mod rotation;
mod state;
#[cfg(feature = "file")]
mod uses;

use std::time::SystemTime;

use tower_rotating_auth::{
    inbound::{ClientId, Scopes, verify_at},
    keyring::{IssueRequest, KeyRing, MemoryStore, NewKey},
};

fn client() -> ClientId {
    "client".parse().unwrap()
}

/// Returns a request for a key of this client, which is created if it does not exist.
fn request_for(client: &str) -> IssueRequest {
    IssueRequest::new(client.parse().unwrap()).or_new_client(Scopes::default())
}

async fn ring() -> KeyRing {
    KeyRing::start(MemoryStore::default()).await.unwrap()
}

/// Issues a key of [`client`].
async fn issued(ring: &KeyRing) -> NewKey {
    let issued = ring.issue(request_for("client")).await;
    issued.unwrap().into_new().unwrap()
}

fn is_valid_at(ring: &KeyRing, key: &NewKey, now: SystemTime) -> bool {
    verify_at(&ring.keys().current(), key.token().expose_secret(), now).is_ok()
}

fn is_valid(ring: &KeyRing, key: &NewKey) -> bool {
    is_valid_at(ring, key, SystemTime::now())
}
