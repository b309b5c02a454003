//! The task of a key ring. It decides, persists and publishes, in that order, one operation at a
//! time.

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
use super::events::{events_of, log_warnings};
use super::operation::{Command, Operation};
use crate::clock::{WallClock, sleep_until_deadline};
use crate::inbound::{KeySet, KeySetError};
use crate::keyring::decide::NotAllowed;
use crate::keyring::event::EventKind;
use crate::keyring::issuance_policy::IssuancePolicy;
use crate::keyring::state::{Change, KeyRingState};
use crate::keyring::store::{Commit, Store, StoreError, StoreErrorKind};
use crate::rotating::{Events, Publisher};

/// How often to decide again because others write at the same time.
const ATTEMPTS: u32 = 100;

/// How often to log the keys that need an operator.
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
    /// The published state.
    state: KeyRingState,
    stored: Stored,
    /// The highest serial that the store was seen at.
    seen: u64,
    publisher: Publisher<KeySet>,
    readers: watch::Sender<KeyRingState>,
    events: Arc<Events<EventKind>>,
}

/// What is known about the content of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    /// Equal to the published state, unless another process has written.
    AsPublished,
    /// Unknown: load it before the next decision.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Persisted {
    Yes,
    AnotherWriter,
}

/// Why a commit is not known to have happened.
enum NotCommitted {
    Conflict,
    Failed(StoreError),
    /// The store did not answer in time. It may still write.
    Late(StoreError),
}

impl<S: Store> RingTask<S> {
    pub(crate) fn new(
        store: S,
        settings: Settings,
        state: KeyRingState,
        publisher: Publisher<KeySet>,
        readers: watch::Sender<KeyRingState>,
        events: Arc<Events<EventKind>>,
    ) -> Self {
        Self {
            store,
            settings,
            seen: state.serial(),
            state,
            stored: Stored::AsPublished,
            publisher,
            readers,
            events,
        }
    }

    /// Runs until the last handle is gone and every operation queued before is done.
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
                        let name = &*self.settings.name;
                        tracing::warn!(name, error = &error as &dyn Error, "the store failed");
                        self.emit(EventKind::ReloadFailed { kind: error.kind() });
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
                // Nothing will be written, so the store could not report a conflict: load it and
                // decide again.
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

    /// Writes a change, then publishes it. The order matters: a published change must survive a
    /// crash.
    async fn persist(&mut self, change: &Change) -> Result<Persisted, KeyRingError> {
        let next = self.state.apply(change);
        let next = next.map_err(NotAllowed::from)?;
        let base = self.state.clone();
        match self.commit(&base, change, &next).await {
            Ok(()) => {
                self.publish(next);
                self.report(&base, change);
                Ok(Persisted::Yes)
            }
            Err(NotCommitted::Conflict) => {
                self.stored = Stored::Unknown;
                Ok(Persisted::AnotherWriter)
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

    /// Returns whether the store holds a change although it returned an error, and publishes it if
    /// so.
    async fn is_stored(
        &mut self,
        base: &KeyRingState,
        change: &Change,
    ) -> Result<bool, KeyRingError> {
        self.stored = Stored::Unknown;
        self.reload().await?;
        let is_stored = change.is_in(&self.state);
        if is_stored {
            self.report(base, change);
        }
        Ok(is_stored)
    }

    /// Loads and publishes the content of the store. Corrects a store that has lost the end of a
    /// key.
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
                    self.replace(loaded);
                    return Ok(());
                }
                Compared::Forgetful(correction) => {
                    if self.correct(*correction).await? == Persisted::Yes {
                        return Ok(());
                    }
                }
            }
        }
        Err(KeyRingError::conflict())
    }

    /// Writes a correction. Publishes it even if the write fails, so that ended keys stay refused
    /// here.
    async fn correct(&mut self, correction: Correction) -> Result<Persisted, KeyRingError> {
        let Correction {
            loaded,
            change,
            corrected,
        } = correction;
        let outcome = match self.commit(&loaded, &change, &corrected).await {
            Err(NotCommitted::Conflict) => return Ok(Persisted::AnotherWriter),
            Err(NotCommitted::Failed(error) | NotCommitted::Late(error)) => {
                Err(KeyRingError::store(error))
            }
            Ok(()) => {
                let (name, keys) = (&*self.settings.name, change.keys().len());
                tracing::warn!(
                    name,
                    keys,
                    "the store had lost the end of some keys; it was corrected"
                );
                Ok(Persisted::Yes)
            }
        };
        self.replace(corrected);
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

    /// Compares a loaded state with the published one, off the runtime since it may be large.
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

    /// Publishes a loaded state. It shares nothing with the one before, which therefore takes long
    /// to free.
    fn replace(&mut self, loaded: KeyRingState) {
        let before = self.state.clone();
        self.publish(loaded);
        self.stored = Stored::AsPublished;
        drop(spawn_blocking(move || drop(before)));
    }

    /// Reports what a change did, compared with the state before.
    fn report(&self, before: &KeyRingState, change: &Change) {
        for event in events_of(before, change) {
            self.emit(event);
        }
    }

    fn emit(&self, event: EventKind) {
        self.events.emit(event, self.now());
    }

    fn next_sync(&self) -> Option<Instant> {
        let every = self.settings.sync_every?;
        Some(Instant::now() + every)
    }

    fn now(&self) -> SystemTime {
        (self.settings.wall)()
    }
}

/// How a loaded state compares with the published one.
enum Compared {
    Same,
    New(KeyRingState),
    /// Keys that ended here have not ended there.
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
    ) -> Result<Self, KeySetError> {
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

/// Runs an operation of the store. A panic or a timeout becomes an error.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    in_time(limit, work).await?
}

/// Returns the outcome, or an outer error if the store did not answer in time.
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
