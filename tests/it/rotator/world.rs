//! A store, a sink and a clock that outlive the process, and a fuse that ends it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tower_rotating_auth::{
    inbound::{KeyDigest, Scopes, verify_at},
    keyring::{
        Commit, IssuancePolicy, IssueRequest, KeyRing, KeyRingState, MemoryStore, NewKey, Rotator,
        Sink, Store, StoreError,
    },
};

pub(super) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
pub(super) const PERIOD: Duration = Duration::from_secs(5 * 24 * 60 * 60);

/// A key for the client of the rotator.
pub(super) fn request() -> IssueRequest {
    IssueRequest::new("batch".parse().unwrap()).or_new_client(Scopes::default())
}

/// Burns down by one with each thing that is done to the world outside. Once it has blown, nothing
/// can be done any more.
#[derive(Clone, Default)]
pub(super) struct Fuse {
    left: Arc<AtomicUsize>,
    blown: Arc<AtomicBool>,
}

impl Fuse {
    /// A new one. The thing of this number fails, from 1; nothing does at 0.
    pub(super) fn set(&self, left: usize) {
        self.left.store(left, Ordering::SeqCst);
        self.blown.store(false, Ordering::SeqCst);
    }

    fn blows(&self) -> bool {
        let left = self.left.load(Ordering::SeqCst);
        self.left.store(left.saturating_sub(1), Ordering::SeqCst);
        if left == 1 {
            self.blown.store(true, Ordering::SeqCst);
        }
        self.has_blown()
    }

    fn has_blown(&self) -> bool {
        self.blown.load(Ordering::SeqCst)
    }

    /// How much was burnt of what was set.
    pub(super) fn burnt(&self, set: usize) -> usize {
        set - self.left.load(Ordering::SeqCst)
    }
}

/// All that is still there when the process starts again.
#[derive(Clone)]
pub(super) struct World {
    pub(super) store: MemoryStore,
    pub(super) fuse: Fuse,
    content: Arc<Mutex<Option<Vec<u8>>>>,
    now: Arc<Mutex<SystemTime>>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            store: MemoryStore::default(),
            fuse: Fuse::default(),
            content: Arc::default(),
            now: Arc::new(Mutex::new(SystemTime::UNIX_EPOCH + 20_000 * DAY)),
        }
    }

    pub(super) fn now(&self) -> SystemTime {
        *self.now.lock().unwrap()
    }

    pub(super) fn pass(&self, time: Duration) {
        *self.now.lock().unwrap() += time;
    }

    /// What a client finds.
    pub(super) fn delivered(&self) -> Option<Vec<u8>> {
        self.content.lock().unwrap().clone()
    }

    /// Somebody writes an older one back.
    pub(super) fn put_back(&self, token: &[u8]) {
        *self.content.lock().unwrap() = Some(token.to_vec());
    }

    /// Somebody takes it away.
    pub(super) fn take(&self) -> Option<Vec<u8>> {
        self.content.lock().unwrap().take()
    }

    /// The process starts.
    pub(super) async fn start(&self) -> (KeyRing, Rotator<MemorySink>) {
        self.start_under(IssuancePolicy::new()).await
    }

    pub(super) async fn start_under(
        &self,
        policy: IssuancePolicy,
    ) -> (KeyRing, Rotator<MemorySink>) {
        self.start_with(policy, request()).await
    }

    pub(super) async fn start_with(
        &self,
        policy: IssuancePolicy,
        request: IssueRequest,
    ) -> (KeyRing, Rotator<MemorySink>) {
        let world = self.clone();
        let ring = KeyRing::builder()
            .policy(policy)
            .wall_clock(move || world.now())
            .start(Flaky(self.clone()))
            .await
            .unwrap();
        let rotator = Rotator::new(ring.clone(), request, MemorySink(self.clone()))
            .period(PERIOD)
            .overlap(DAY);
        (ring, rotator)
    }

    pub(super) fn is_valid(&self, ring: &KeyRing, token: &[u8]) -> bool {
        verify_at(&ring.keys().current(), token, self.now()).is_ok()
    }
}

/// The store, which fails before a commit or after it.
struct Flaky(World);

impl Store for Flaky {
    async fn load(&mut self) -> Result<KeyRingState, StoreError> {
        if self.0.fuse.has_blown() {
            return Err(StoreError::new("gone"));
        }
        self.0.store.load().await
    }

    async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        if self.0.fuse.blows() {
            return Err(StoreError::new("before"));
        }
        self.0.store.commit(commit).await?;
        if self.0.fuse.blows() {
            return Err(StoreError::new("after"));
        }
        Ok(())
    }
}

/// The sink, which fails before a delivery or after it, or when it is asked.
pub(super) struct MemorySink(World);

impl Sink for MemorySink {
    async fn deliver(&mut self, key: &NewKey) -> Result<(), StoreError> {
        if self.0.fuse.blows() {
            return Err(StoreError::new("before"));
        }
        *self.0.content.lock().unwrap() = Some(key.token().expose_secret().to_vec());
        if self.0.fuse.blows() {
            return Err(StoreError::new("after"));
        }
        Ok(())
    }

    async fn held(&mut self) -> Result<Option<KeyDigest>, StoreError> {
        if self.0.fuse.blows() {
            return Err(StoreError::new("asked"));
        }
        Ok(self.0.delivered().map(|token| KeyDigest::of(&token)))
    }
}
