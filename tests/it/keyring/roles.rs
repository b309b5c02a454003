//! Roles of a ring: named sets of scopes, which clients have and key files keep.

use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use tower_rotating_auth::inbound::{Role, Scopes, verify_at};
use tower_rotating_auth::keyring::{
    EventKind, IssueRequest, KeyRing, KeyRingErrorKind, MemoryStore, NotAllowed,
};

use super::{client, ring};

/// The observer has a thread of its own.
const PATIENCE: Duration = Duration::from_secs(10);

fn role() -> Role {
    "operator".parse().unwrap()
}

fn scopes(text: &str) -> Scopes {
    text.parse().unwrap()
}

/// Returns a request for a key with one scope of its own.
fn narrow(scope: &str) -> IssueRequest {
    IssueRequest::new(client()).scopes(scopes(scope))
}

/// Returns the scopes of the only key.
fn held(ring: &KeyRing) -> Scopes {
    ring.list()[0].scopes.clone()
}

#[tokio::test(start_paused = true)]
async fn role_grants_its_scopes_at_once() {
    let (sender, changes) = mpsc::channel();
    let builder = KeyRing::builder().observer(move |event| {
        if let EventKind::ClientChanged { client } = &event.kind {
            sender.send(client.clone()).unwrap();
        }
    });
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    ring.set_role_scopes(&role(), scopes("a b")).await.unwrap();
    ring.set_roles(&client(), [role()]).await.unwrap();
    let key = ring.issue(IssueRequest::new(client())).await.unwrap();
    assert_eq!(held(&ring), scopes("a b"));

    ring.set_role_scopes(&role(), scopes("b c")).await.unwrap();
    let set = ring.keys().current();
    let key = key.into_new().unwrap();
    let record = verify_at(&set, key.token().expose_secret(), SystemTime::now()).unwrap();
    assert_eq!(*record.scopes(), scopes("b c"));
    assert!(record.roles().contains(&role()));

    ring.set_roles(&client(), []).await.unwrap();
    assert_eq!(held(&ring), Scopes::default());
    for _ in 0..2 {
        assert_eq!(changes.recv_timeout(PATIENCE), Ok(client()));
    }
}

#[tokio::test(start_paused = true)]
async fn live_keys_prevent_narrowing_of_a_role() {
    let ring = ring().await;
    ring.set_role_scopes(&role(), scopes("a b")).await.unwrap();
    ring.set_roles(&client(), [role()]).await.unwrap();
    let key = ring.issue(narrow("a")).await.unwrap();
    for refused in [
        ring.set_role_scopes(&role(), scopes("b")).await,
        ring.set_roles(&client(), []).await,
    ] {
        assert_eq!(refused.unwrap_err().kind(), KeyRingErrorKind::NotAllowed);
        assert_eq!(held(&ring), scopes("a"));
    }

    ring.revoke(key.id()).await.unwrap();
    ring.set_role_scopes(&role(), scopes("b")).await.unwrap();
    assert_eq!(held(&ring), Scopes::default());
}

#[tokio::test(start_paused = true)]
async fn unknown_role_is_not_given_to_a_client() {
    let ring = ring().await;
    let error = ring.set_roles(&client(), [role()]).await.unwrap_err();
    assert_eq!(error.not_allowed(), Some(&NotAllowed::UnknownRole(role())));
    assert!(ring.state().client(&client()).is_none());
}

#[tokio::test(start_paused = true)]
async fn same_roles_write_nothing() {
    let ring = ring().await;
    ring.set_role_scopes(&role(), scopes("a")).await.unwrap();
    ring.set_roles(&client(), [role()]).await.unwrap();
    let serial = ring.state().serial();
    ring.set_role_scopes(&role(), scopes("a")).await.unwrap();
    ring.set_roles(&client(), [role()]).await.unwrap();
    assert_eq!(ring.state().serial(), serial);
}

#[cfg(all(feature = "file", feature = "key-file"))]
#[tokio::test]
async fn key_file_keeps_roles_of_a_ring() {
    use tower_rotating_auth::keyring::FileStore;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let ring = KeyRing::start(FileStore::new(&path)).await.unwrap();
    // Each step writes a file: a role without clients, a client without keys.
    ring.set_role_scopes(&role(), scopes("a b")).await.unwrap();
    ring.set_roles(&client(), [role()]).await.unwrap();
    ring.issue(IssueRequest::new(client())).await.unwrap();

    let again = KeyRing::start(FileStore::new(&path)).await.unwrap();
    assert_eq!(held(&again), scopes("a b"));
    again.set_role_scopes(&role(), scopes("a")).await.unwrap();
    // The first ring finds what the other has written.
    ring.reload().await.unwrap();
    assert_eq!(held(&ring), scopes("a"));
}

#[cfg(all(feature = "file", feature = "key-file"))]
#[tokio::test]
async fn empty_list_before_tables_is_read() {
    use tower_rotating_auth::keyring::FileStore;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let text = "version = 1\nserial = 1\nkey = []\n\n[[client]]\nid = \"client\"\n";
    std::fs::write(&path, text).unwrap();
    let ring = KeyRing::start(FileStore::new(&path)).await.unwrap();
    assert!(ring.state().client(&client()).is_some());

    std::fs::write(&path, text.replace("key = []", "other = []")).unwrap();
    let error = KeyRing::start(FileStore::new(&path)).await.unwrap_err();
    assert_eq!(error.kind(), KeyRingErrorKind::Store);
}
