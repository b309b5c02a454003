//! The settings of a key ring.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime;
use tokio::sync::{mpsc, watch};

use super::error::KeyRingError;
use super::events::OfKeySet;
use super::handle::KeyRing;
use super::task::{RingTask, Settings, within};
use crate::clock::WallClock;
use crate::keyring::event::{Event, EventKind};
use crate::keyring::issuance_policy::IssuancePolicy;
use crate::keyring::store::Store;
use crate::keyring::token::Prefix;
use crate::rotating::{Emit, Events, Observer, Rotating, Stateless};

/// The shortest interval, so that the timer leaves time for operations.
const SHORTEST_SYNC: Duration = Duration::from_millis(100);

/// A builder of a key ring, returned by [`KeyRing::builder`]. Every setting has a default.
#[must_use]
pub struct KeyRingBuilder {
    name: Arc<str>,
    policy: IssuancePolicy,
    prefix: Prefix,
    wall: WallClock,
    store_timeout: Duration,
    sync_every: Option<Duration>,
    observer: Option<Observer<EventKind>>,
}

impl KeyRingBuilder {
    pub(crate) fn new() -> Self {
        Self {
            name: "keys".into(),
            policy: IssuancePolicy::new(),
            prefix: Prefix::default(),
            wall: Arc::new(SystemTime::now),
            store_timeout: Duration::from_secs(30),
            sync_every: None,
            observer: None,
        }
    }

    /// Sets the name in events and log lines. Defaults to `keys`.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the policy. Defaults to [`IssuancePolicy::new`].
    pub fn policy(mut self, policy: IssuancePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the prefix of new tokens. Defaults to `trk`.
    pub fn prefix(mut self, prefix: Prefix) -> Self {
        self.prefix = prefix;
        self
    }

    /// Sets how often the ring reads what other processes have written, at least 100 ms apart.
    /// Defaults to never.
    ///
    /// Without it, the ring reads the store again only on [`reload`](KeyRing::reload), and when an
    /// operation finds that another process has written.
    pub fn sync_every(mut self, interval: Duration) -> Self {
        self.sync_every = Some(interval.max(SHORTEST_SYNC));
        self
    }

    /// Sets how long to wait for the store. Defaults to 30 s.
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// Sets a function that receives every [`Event`] of the ring, in order: what each operation
    /// did, and each new generation of the key set. Defaults to none.
    ///
    /// It runs on a thread of its own; see
    /// [`RotatingBuilder::observer`](crate::rotating::RotatingBuilder::observer).
    pub fn observer(mut self, observer: impl FnMut(&Event) + Send + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Sets the wall clock, for tests. Defaults to [`SystemTime::now`].
    pub fn wall_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.wall = Arc::new(clock);
        self
    }

    /// Starts the ring, as [`KeyRing::start`] does.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Store`](crate::keyring::KeyRingErrorKind::Store) if the store
    /// cannot be read, and [`NoRuntime`](crate::keyring::KeyRingErrorKind::NoRuntime) outside a
    /// tokio runtime.
    pub async fn start<S: Store>(self, mut store: S) -> Result<KeyRing, KeyRingError> {
        let runtime = runtime::Handle::try_current().map_err(|_| KeyRingError::no_runtime())?;
        let policy = Arc::new(self.policy);
        let loaded = within(self.store_timeout, store.load()).await;
        let state = loaded.map_err(KeyRingError::store)?.under(&policy);

        let wall = Arc::clone(&self.wall);
        let events = Arc::new(Events::new(Arc::clone(&self.name), self.observer));
        let of_key_set: Arc<dyn Emit> = Arc::new(OfKeySet(Arc::clone(&events)));
        let (keys, publisher) = Rotating::builder().wall_clock(move || wall()).manual_with(
            state.key_set().clone(),
            Arc::new(Stateless),
            of_key_set,
        );
        let (readers, reader) = watch::channel(state.clone());
        let (commands, inbox) = mpsc::unbounded_channel();
        let settings = Settings {
            name: self.name,
            policy,
            wall: self.wall,
            store_timeout: self.store_timeout,
            sync_every: self.sync_every,
        };
        let task = RingTask::new(store, settings, state, publisher, readers, events);
        runtime.spawn(task.run(inbox));
        Ok(KeyRing::new(commands, keys, reader, self.prefix))
    }
}

impl fmt::Debug for KeyRingBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRingBuilder")
            .field("name", &self.name)
            .field("policy", &self.policy)
            .field("prefix", &self.prefix)
            .field("store_timeout", &self.store_timeout)
            .field("sync_every", &self.sync_every)
            .finish_non_exhaustive()
    }
}
