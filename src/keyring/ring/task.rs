//! The task of a key ring: it decides, persists, publishes, in that order and one operation after the other.

use std::error::Error;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use tokio::select;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use super::error::KeyRingError;
use super::events::{log_change, log_warnings};
use super::operation::{Command, Operation};
use crate::clock::{WallClock, sleep_until_deadline};
use crate::inbound::KeySet;
use crate::keyring::decide::NotAllowed;
use crate::keyring::issuance_policy::IssuancePolicy;
use crate::keyring::state::{Change, InvalidKeyRingState, KeyRingState};
use crate::keyring::store::{Commit, Store, StoreError, StoreErrorKind};
use crate::rotating::Publisher;

/// How often something is decided anew because others write at the same time.
const ATTEMPTS: u32 = 100;

/// How often keys that grow old are told of.
const REVIEW: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct Settings {
    pub(crate) name: Arc<str>,
    pub(crate) policy: Arc<IssuancePolicy>,
    pub(crate) wall: WallClock,
    pub(crate) store_timeout: Duration,
    pub(crate) sync_every: Option<Duration>,
}

pub(crate) struct RingTask<S> {
    store: S,
    settings: Settings,
    /// What is published.
    state: KeyRingState,
    stored: Stored,
    /// The highest serial that the store was seen at.
    seen: u64,
    publisher: Publisher<KeySet>,
    readers: watch::Sender<KeyRingState>,
}

/// What the store holds, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    /// What is published, unless another process has written.
    AsPublished,
    /// It is loaded before anything is decided.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Persisted {
    Yes,
    SomebodyElseWrote,
}

/// Why a commit was not seen to take place.
enum NotCommitted {
    Conflict,
    Failed(StoreError),
    /// The store did not answer in time. What it has begun may go on, and be written later.
    Late(StoreError),
}

impl<S: Store> RingTask<S> {
    pub(crate) fn new(
        store: S,
        settings: Settings,
        state: KeyRingState,
        publisher: Publisher<KeySet>,
        readers: watch::Sender<KeyRingState>,
    ) -> Self {
        Self {
            store,
            settings,
            seen: state.serial(),
            state,
            stored: Stored::AsPublished,
            publisher,
            readers,
        }
    }

    /// Serves until the last handle is gone and what was asked for before that is done.
    pub(crate) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Command>) {
        let mut review = Some(Instant::now());
        let mut sync = self.next_sync();
        loop {
            select! {
                biased;
                command = inbox.recv() => match command {
                    Some(Command::Change(mut operation)) => {
                        let outcome = self.change(&mut *operation).await;
                        operation.answer(outcome);
                    }
                    Some(Command::Reload(reply)) => drop(reply.send(self.reload().await)),
                    None => return,
                },
                () = sleep_until_deadline(sync) => {
                    if let Err(error) = self.reload().await {
                        let (name, error) = (&*self.settings.name, &error as &dyn Error);
                        tracing::warn!(name, error, "the keys could not be loaded again");
                    }
                    sync = self.next_sync();
                }
                () = sleep_until_deadline(review) => {
                    let (name, now) = (Arc::clone(&self.settings.name), self.now());
                    let state = self.state.clone();
                    drop(spawn_blocking(move || log_warnings(&name, &state, now)));
                    review = Some(Instant::now() + REVIEW);
                }
            }
        }
    }

    async fn change(&mut self, operation: &mut dyn Operation) -> Result<(), KeyRingError> {
        let mut has_looked = false;
        for _ in 0..ATTEMPTS {
            if self.stored == Stored::Unknown {
                self.reload().await?;
                has_looked = true;
            }
            let decided = operation.decide(&self.state, self.now());
            if decided.as_ref().map_or(true, Change::is_empty) && !has_looked {
                // Nothing is written, so that the store would not tell what another process has written.
                self.stored = Stored::Unknown;
                continue;
            }
            let change = decided?;
            if change.is_empty() || self.persist(&change).await? == Persisted::Yes {
                return Ok(());
            }
        }
        Err(KeyRingError::conflict())
    }

    /// Writes a change, and publishes it then.
    async fn persist(&mut self, change: &Change) -> Result<Persisted, KeyRingError> {
        let next = self.state.apply(change);
        let next = next.map_err(NotAllowed::from)?;
        let base = self.state.clone();
        match self.commit(&base, change, &next).await {
            Ok(()) => {
                self.publish(next);
                log_change(&self.settings.name, &base, change);
                Ok(Persisted::Yes)
            }
            Err(NotCommitted::Conflict) => {
                self.stored = Stored::Unknown;
                Ok(Persisted::SomebodyElseWrote)
            }
            Err(NotCommitted::Failed(error)) => match self.is_stored(&base, change).await {
                Ok(true) => Ok(Persisted::Yes),
                Ok(false) => Err(KeyRingError::store(error)),
                Err(_) => Err(KeyRingError::unknown(error)),
            },
            Err(NotCommitted::Late(error)) => {
                if let Ok(true) = self.is_stored(&base, change).await {
                    return Ok(Persisted::Yes);
                }
                self.stored = Stored::Unknown;
                Err(KeyRingError::unknown(error))
            }
        }
    }

    /// Whether a change is in the store, although that did not say so; it is published then.
    async fn is_stored(
        &mut self,
        base: &KeyRingState,
        change: &Change,
    ) -> Result<bool, KeyRingError> {
        self.stored = Stored::Unknown;
        self.reload().await?;
        let is_stored = change.is_in(&self.state);
        if is_stored {
            log_change(&self.settings.name, base, change);
        }
        Ok(is_stored)
    }

    /// Takes in what the store holds. Where that has forgotten what ended here, the store is put right.
    async fn reload(&mut self) -> Result<(), KeyRingError> {
        for _ in 0..ATTEMPTS {
            let load = within(self.settings.store_timeout, self.store.load());
            let loaded = load.await.map_err(KeyRingError::store)?;
            if loaded.serial() < self.seen {
                return Err(KeyRingError::older_state(loaded.serial(), self.seen));
            }
            self.seen = loaded.serial();
            match self.compare(loaded).await? {
                Compared::Same => {
                    self.stored = Stored::AsPublished;
                    return Ok(());
                }
                Compared::New(loaded) => {
                    self.take_in(loaded);
                    return Ok(());
                }
                Compared::Forgetful(correction) => {
                    if self.put_right(*correction).await? == Persisted::Yes {
                        return Ok(());
                    }
                }
            }
        }
        Err(KeyRingError::conflict())
    }

    /// Writes into the store what it has forgotten. What ended is refused here also where that fails.
    async fn put_right(&mut self, correction: Correction) -> Result<Persisted, KeyRingError> {
        let Correction {
            loaded,
            change,
            corrected,
        } = correction;
        let outcome = match self.commit(&loaded, &change, &corrected).await {
            Err(NotCommitted::Conflict) => return Ok(Persisted::SomebodyElseWrote),
            Err(NotCommitted::Failed(error) | NotCommitted::Late(error)) => {
                Err(KeyRingError::store(error))
            }
            Ok(()) => {
                let (name, keys) = (&*self.settings.name, change.keys().len());
                tracing::warn!(
                    name,
                    keys,
                    "the store had forgotten keys that ended, and was put right"
                );
                Ok(Persisted::Yes)
            }
        };
        self.take_in(corrected);
        if outcome.is_err() {
            self.stored = Stored::Unknown;
        }
        outcome
    }

    async fn commit(
        &mut self,
        base: &KeyRingState,
        change: &Change,
        next: &KeyRingState,
    ) -> Result<(), NotCommitted> {
        let commit = self.store.commit(Commit { base, change, next });
        match in_time(self.settings.store_timeout, commit).await {
            Ok(Ok(())) => {
                self.seen = next.serial();
                Ok(())
            }
            Ok(Err(error)) if error.kind() == StoreErrorKind::Conflict => {
                Err(NotCommitted::Conflict)
            }
            Ok(Err(error)) => Err(NotCommitted::Failed(error)),
            Err(late) => Err(NotCommitted::Late(late)),
        }
    }

    /// What is to be done about a state that was loaded; found out off the runtime, since it may be large.
    fn compare(
        &self,
        loaded: KeyRingState,
    ) -> impl Future<Output = Result<Compared, KeyRingError>> + Send + use<S> {
        let (current, now) = (self.state.clone(), self.now());
        let policy = Arc::clone(&self.settings.policy);
        let compare = move || Compared::new(loaded.under(&policy), &current, now);
        async move {
            let compared = spawn_blocking(compare).await;
            let compared = compared.map_err(|_| KeyRingError::stopped())?;
            compared.map_err(|invalid| NotAllowed::from(invalid).into())
        }
    }

    fn publish(&mut self, next: KeyRingState) {
        self.publisher.publish(next.key_set().clone());
        self.readers.send_replace(next.clone());
        self.state = next;
    }

    /// Publishes a state that shares nothing with the one before, which takes long to be freed.
    fn take_in(&mut self, loaded: KeyRingState) {
        let before = self.state.clone();
        self.publish(loaded);
        self.stored = Stored::AsPublished;
        drop(spawn_blocking(move || drop(before)));
    }

    fn next_sync(&self) -> Option<Instant> {
        let every = self.settings.sync_every?;
        Some(Instant::now() + every)
    }

    fn now(&self) -> SystemTime {
        (self.settings.wall)()
    }
}

/// What a state that was loaded is to the one that is published.
enum Compared {
    Same,
    New(KeyRingState),
    /// Keys that ended here are not ended there.
    Forgetful(Box<Correction>),
}

struct Correction {
    loaded: KeyRingState,
    change: Change,
    corrected: KeyRingState,
}

impl Compared {
    fn new(
        loaded: KeyRingState,
        current: &KeyRingState,
        now: SystemTime,
    ) -> Result<Self, InvalidKeyRingState> {
        if loaded == *current {
            return Ok(Self::Same);
        }
        loaded.key_set().remember_uses_of(current.key_set());
        let change = loaded.corrections(current, now);
        if change.is_empty() {
            return Ok(Self::New(loaded));
        }
        let corrected = loaded.apply(&change)?;
        Ok(Self::Forgetful(Box::new(Correction {
            loaded,
            change,
            corrected,
        })))
    }
}

/// Runs what a store does to its end, its panic, or the timeout: neither of these takes the ring down.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    in_time(limit, work).await?
}

/// What came of it, or that it did not end in time.
async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<Result<T, StoreError>, StoreError> {
    match timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(_panic)) => Ok(Err(StoreError::new("the store panicked"))),
        Err(_) => Err(StoreError::new("the store did not answer in time")),
    }
}
