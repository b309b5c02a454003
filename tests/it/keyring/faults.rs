//! Stores that fail, hang, panic, lose data, or have other writers.

use std::future::pending;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::task::yield_now;
use tower_rotating_auth::{
    inbound::Scopes,
    keyring::{
        Commit, IssueRequest, KeyEntry, KeyRing, KeyRingErrorKind, KeyRingState, MemoryStore,
        NewKey, RevokeRequest, RotateRequest, Store, StoreError,
    },
};

use super::{client, is_valid, issued, request_for};
use crate::support::{minutes, secs};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    BeforeWriting,
    AfterWriting,
    /// After writing; reads fail too until the fault is removed.
    Lost,
    Panics,
    HangsAfterWriting,
}

/// A store that fails as configured, until the fault is removed.
#[derive(Clone)]
struct Faulty {
    inner: MemoryStore,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Faulty {
    fn new() -> Self {
        Self {
            inner: MemoryStore::default(),
            fault: Arc::default(),
        }
    }

    fn set(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock().unwrap() = fault.into();
    }

    fn fault(&self) -> Option<Fault> {
        *self.fault.lock().unwrap()
    }
}

impl Store for Faulty {
    async fn load(&mut self) -> Result<KeyRingState, StoreError> {
        match self.fault() {
            Some(Fault::Lost) => Err(StoreError::new("the disk is gone")),
            _ => self.inner.load().await,
        }
    }

    async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        let full = || StoreError::new("the disk is full");
        match self.fault() {
            None => self.inner.commit(commit).await,
            Some(Fault::BeforeWriting) => Err(full()),
            Some(Fault::Panics) => panic!("the store has a bug"),
            Some(fault @ (Fault::AfterWriting | Fault::Lost | Fault::HangsAfterWriting)) => {
                self.inner.commit(commit).await?;
                match fault {
                    Fault::HangsAfterWriting => pending().await,
                    _ => Err(full()),
                }
            }
        }
    }
}

/// Checks that the ring, its store and the published key set agree, and returns the state.
fn agreed(ring: &KeyRing, store: &MemoryStore) -> KeyRingState {
    let state = ring.state();
    assert!(state == store.state());
    assert!(*ring.keys().current() == *state.key_set());
    state
}

#[tokio::test(start_paused = true)]
async fn failed_write_changes_nothing() {
    for fault in [Fault::BeforeWriting, Fault::Panics] {
        let store = Faulty::new();
        let ring = KeyRing::start(store.clone()).await.unwrap();
        let key = issued(&ring).await;
        let before = agreed(&ring, &store.inner);
        let generation = ring.keys().current().generation();

        store.set(fault);
        let rotate = RotateRequest::with_grace(key.id(), minutes(1));
        let failures = [
            ring.issue(request_for("another")).await.map(drop),
            ring.rotate(rotate).await.map(drop),
            ring.rotate(RotateRequest::compromised(client()))
                .await
                .map(drop),
            ring.revoke(key.id()).await.map(drop),
            ring.revoke(RevokeRequest::token(key.token()))
                .await
                .map(drop),
            ring.disable(&client()).await,
            ring.set_scopes(&client(), "chat:write".parse().unwrap())
                .await,
        ];
        for failure in failures {
            assert_eq!(
                failure.unwrap_err().kind(),
                KeyRingErrorKind::Store,
                "{fault:?}"
            );
        }
        assert!(agreed(&ring, &store.inner) == before, "{fault:?}");
        assert_eq!(ring.keys().current().generation(), generation);
        assert!(is_valid(&ring, &key));

        store.set(None);
        ring.revoke(key.id()).await.unwrap();
        assert!(!is_valid(&ring, &key), "{fault:?}: what works again works");
        agreed(&ring, &store.inner);
    }
}

#[tokio::test(start_paused = true)]
async fn failed_write_that_landed_counts() {
    for fault in [Fault::AfterWriting, Fault::HangsAfterWriting] {
        let store = Faulty::new();
        let ring = KeyRing::start(store.clone()).await.unwrap();
        store.set(fault);
        let first = issued(&ring).await;
        let second = ring
            .rotate(RotateRequest::with_grace(first.id(), minutes(1)))
            .await;
        let second = second.unwrap().into_new().unwrap();
        assert!(
            is_valid(&ring, &first) && is_valid(&ring, &second),
            "{fault:?}"
        );
        assert_eq!(ring.revoke(first.id()).await.unwrap(), [first.id().clone()]);
        assert!(
            !is_valid(&ring, &first) && is_valid(&ring, &second),
            "{fault:?}"
        );
        agreed(&ring, &store.inner);
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_outcome_is_resolved_before_next_operation() {
    let store = Faulty::new();
    let ring = KeyRing::start(store.clone()).await.unwrap();
    let key = issued(&ring).await;
    store.set(Fault::Lost);
    let revoked = ring.revoke(key.id()).await;
    assert_eq!(revoked.unwrap_err().kind(), KeyRingErrorKind::Unknown);
    assert!(
        is_valid(&ring, &key),
        "a change is not published before it is known to be written"
    );
    let next = ring.issue(request_for("another")).await;
    assert_eq!(next.unwrap_err().kind(), KeyRingErrorKind::Store);

    store.set(None);
    ring.issue(request_for("another")).await.unwrap();
    assert!(!is_valid(&ring, &key), "the ring finds that it was written");
    agreed(&ring, &store.inner);
}

#[tokio::test(start_paused = true)]
async fn operation_completes_without_its_caller() {
    let store = MemoryStore::default();
    let ring = KeyRing::start(store.clone()).await.unwrap();
    let again = || request_for("client").idempotency_key("once".parse().unwrap());
    assert!(
        ring.issue(again()).now_or_never().is_none(),
        "the operation is queued"
    );
    while store.state().serial() == 0 {
        yield_now().await;
    }
    let issued = ring.issue(again()).await.unwrap();
    let state = agreed(&ring, &store);
    assert_eq!(state.keys().count(), 1);
    assert_eq!(state.keys().next().unwrap().id(), issued.id());
    assert!(issued.into_new().is_none(), "the token went to nobody");
}

#[tokio::test(start_paused = true)]
async fn queued_operations_survive_last_handle() {
    let store = MemoryStore::default();
    let ring = KeyRing::start(store.clone()).await.unwrap();
    let keys = ring.keys();
    assert!(ring.issue(request_for("client")).now_or_never().is_none());
    drop(ring);
    while store.state().serial() == 0 {
        yield_now().await;
    }
    while keys.current().is_empty() {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_rings_lose_no_change() {
    let store = MemoryStore::default();
    let mut rings = Vec::new();
    for _ in 0..4 {
        rings.push(KeyRing::start(store.clone()).await.unwrap());
    }
    let issue = async |n: usize| {
        let issued = rings[n % 4]
            .issue(request_for(&format!("client-{n}")))
            .await;
        issued.unwrap().into_new().unwrap()
    };
    let keys = join_all((0..100).map(issue)).await;
    for ring in &rings {
        ring.reload().await.unwrap();
        assert_eq!(agreed(ring, &store).serial(), 100);
        assert!(keys.iter().all(|key| is_valid(ring, key)));
    }
}

#[tokio::test(start_paused = true)]
async fn sync_every_reads_changes_of_others() {
    let store = MemoryStore::default();
    let ours = KeyRing::builder().sync_every(secs(2)).start(store.clone());
    let ours = ours.await.unwrap();
    let theirs = KeyRing::start(store).await.unwrap();
    let mut changes = ours.keys().subscribe();
    let key = issued(&theirs).await;
    changes.changed().await.unwrap();
    assert!(is_valid(&ours, &key));
    theirs.revoke(key.id()).await.unwrap();
    changes.changed().await.unwrap();
    assert!(!is_valid(&ours, &key));
}

#[tokio::test(start_paused = true)]
async fn refusal_considers_changes_of_others() {
    let store = MemoryStore::default();
    let ours = KeyRing::start(store.clone()).await.unwrap();
    let theirs = KeyRing::start(store.clone()).await.unwrap();
    let key = issued(&theirs).await;
    let revoked = ours
        .revoke(RevokeRequest::token(key.token()))
        .await
        .unwrap();
    assert_eq!(revoked, [key.id().clone()], "it is not unknown");

    theirs.reload().await.unwrap();
    let next = issued(&theirs).await;
    let revoked = ours.revoke(client()).await.unwrap();
    assert_eq!(revoked, [next.id().clone()], "there was one left");
    assert!(!is_valid(&ours, &next));
    agreed(&ours, &store);
}

/// A store whose content a test sets.
#[derive(Clone)]
struct Scripted(Arc<Mutex<KeyRingState>>);

impl Store for Scripted {
    async fn load(&mut self) -> Result<KeyRingState, StoreError> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        let mut state = self.0.lock().unwrap();
        if state.serial() != commit.base.serial() {
            return Err(StoreError::conflict());
        }
        *state = commit.next.clone();
        Ok(())
    }
}

/// A store whose write goes on after the timeout.
#[derive(Clone)]
struct Late {
    stored: Scripted,
    under_way: Arc<Mutex<Option<KeyRingState>>>,
}

impl Store for Late {
    async fn load(&mut self) -> Result<KeyRingState, StoreError> {
        self.stored.load().await
    }

    async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        *self.under_way.lock().unwrap() = Some(commit.next.clone());
        pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn pending_write_is_reported_as_unknown() {
    let store = Late {
        stored: Scripted(Arc::new(Mutex::new(KeyRingState::empty()))),
        under_way: Arc::default(),
    };
    let ring = KeyRing::start(store.clone()).await.unwrap();
    let once = || request_for("client").idempotency_key("once".parse().unwrap());
    let late = ring.issue(once()).await;
    assert_eq!(late.unwrap_err().kind(), KeyRingErrorKind::Unknown);
    assert_eq!(ring.state().keys().count(), 0);

    let landed = store.under_way.lock().unwrap().take().unwrap();
    *store.stored.0.lock().unwrap() = landed;
    let found = ring.issue(once()).await.unwrap();
    assert!(
        found.into_new().is_none(),
        "the ring finds that it was written"
    );
    assert_eq!(ring.state().keys().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn older_state_is_refused() {
    let store = Scripted(Arc::new(Mutex::new(KeyRingState::empty())));
    let ring = KeyRing::start(store.clone()).await.unwrap();
    let key = issued(&ring).await;
    let older = ring.state();
    ring.revoke(key.id()).await.unwrap();

    *store.0.lock().unwrap() = older;
    let reloaded = ring.reload().await;
    assert_eq!(reloaded.unwrap_err().kind(), KeyRingErrorKind::OlderState);
    let next = ring.issue(request_for("another")).await;
    assert_eq!(next.unwrap_err().kind(), KeyRingErrorKind::OlderState);
    assert!(!is_valid(&ring, &key));
}

#[tokio::test(start_paused = true)]
async fn lost_revocations_are_written_again() {
    let store = Scripted(Arc::new(Mutex::new(KeyRingState::empty())));
    let ring = KeyRing::start(store.clone()).await.unwrap();
    let (revoked, renamed, removed) = (
        issued(&ring).await,
        other(&ring, "b").await,
        other(&ring, "c").await,
    );
    let live: Vec<KeyEntry> = ring.state().keys().cloned().collect();
    let clients: Vec<_> = ring.state().clients().cloned().collect();
    for key in [&revoked, &renamed, &removed] {
        ring.revoke(key.id()).await.unwrap();
    }

    // A later serial, written from an older file: one key is live again, one has another id, and
    // one is missing.
    let theirs = live.into_iter().filter_map(|entry| {
        if entry.id() == removed.id() {
            return None;
        }
        let is_renamed = entry.id() == renamed.id();
        let id = if is_renamed {
            "new-name".parse().unwrap()
        } else {
            entry.id().clone()
        };
        Some(KeyEntry::new(id, entry.client().clone(), *entry.digest()))
    });
    let serial = ring.state().serial() + 5;
    *store.0.lock().unwrap() = KeyRingState::new(serial, clients, theirs).unwrap();

    ring.reload().await.unwrap();
    for key in [&revoked, &renamed, &removed] {
        assert!(!is_valid(&ring, key));
        let stored = store.0.lock().unwrap();
        let entry = stored.key_of(&key.digest()).unwrap();
        assert!(entry.revoked_at().is_some(), "the store knows it again");
    }
    assert_eq!(ring.state().serial(), serial + 1);
}

#[tokio::test]
async fn ring_needs_a_readable_store() {
    let store = Faulty::new();
    store.set(Fault::Lost);
    let started = KeyRing::start(store).await;
    let error = started.unwrap_err();
    assert_eq!(error.kind(), KeyRingErrorKind::Store);
    assert_eq!(
        format!("{error:?}"),
        format!("{error}: the disk is gone"),
        "readable where `fn main` returns it"
    );
}

async fn other(ring: &KeyRing, name: &str) -> NewKey {
    let request = IssueRequest::new(name.parse().unwrap()).or_new_client(Scopes::default());
    ring.issue(request).await.unwrap().into_new().unwrap()
}
