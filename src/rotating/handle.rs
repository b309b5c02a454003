//! The handle that a program holds on a rotating value.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::builder::RotatingBuilder;
use super::engine::{Command, CommandKind};
use super::error::{RefreshError, RefreshErrorKind, StartError};
use super::event::Emit;
use super::publisher::Publisher;
use super::refreshing::Refreshing;
use super::shared::Shared;
use super::status::{Progress, RefreshState, Status, Subscription};
use super::value::{Cell, Current, Health};
use crate::clock::{Clocks, Now};
use crate::generation::Generation;
use crate::source::Source;

/// A value that is replaced while it is in use, kept up to date by one refresh task.
///
/// [`current`](Self::current) loads the value with one atomic read. Clones are cheap and share the
/// value. Dropping the last clone stops the refresh task at once.
///
/// `S` is what lies beside each value. Nothing does here; a key that is sent to an upstream is a
/// [`RotatingCredential`](crate::outbound::RotatingCredential), which has what the upstream has
/// accepted there.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::{Rotating, Secret, source::{SourceError, source_fn}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_rotating_auth::rotating::StartError> {
/// let source = source_fn(|| async { Ok::<_, SourceError>(Secret::from("sk-1f0c")) });
/// let key = Rotating::start(source).await?; // fails here, never per request
///
/// let current = key.current();
/// assert_eq!(current.expose_secret(), b"sk-1f0c");
/// assert_eq!(current.generation().get(), 1);
/// # Ok(())
/// # }
/// ```
pub struct Rotating<T, S = ()>(Arc<Handle<T, S>>);

struct Handle<T, S> {
    cell: Arc<Cell<T, S>>,
    events: Arc<dyn Emit>,
    /// The refresh task, if there is one.
    engine: Option<Engine<T, S>>,
    progress: watch::Receiver<Progress>,
    clocks: Clocks,
}

/// The way to the refresh task.
pub(crate) struct Engine<T, S> {
    /// Dropping it with the last handle stops the task.
    pub(crate) commands: mpsc::Sender<Command<T, S>>,
    pub(crate) runtime: runtime::Handle,
    pub(crate) force_wait: Duration,
}

impl Rotating<()> {
    /// Creates a builder, for settings other than the defaults.
    pub fn builder() -> RotatingBuilder {
        RotatingBuilder::new()
    }
}

impl<T: PartialEq + Send + Sync + 'static> Rotating<T> {
    /// Fetches the first value and spawns the refresh task on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`StartErrorKind::Source`] if the source fails or delivers no
    /// usable value, and [`StartErrorKind::NoRuntime`] outside a tokio runtime. A service should
    /// not start then. [`RotatingBuilder::wait_for_first`] retries.
    ///
    /// [`StartErrorKind::Source`]: crate::rotating::StartErrorKind::Source
    /// [`StartErrorKind::NoRuntime`]: crate::rotating::StartErrorKind::NoRuntime
    pub async fn start(source: impl Source<Value = T>) -> Result<Self, StartError> {
        Rotating::builder().start(source).await
    }

    /// Fetches the first value and returns it with the refresh task, for callers that spawn their
    /// own tasks.
    ///
    /// The returned future is the refresh task. Poll it on a tokio runtime with a timer. It ends
    /// when the last handle is dropped.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`start`](Self::start).
    pub async fn pair<S: Source<Value = T>>(
        source: S,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), StartError> {
        Rotating::builder().pair(source).await
    }

    /// Creates a value that its [`Publisher`] replaces manually, without a source or a refresh
    /// task.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_rotating_auth::Rotating;
    ///
    /// let (key, mut publisher) = Rotating::manual("old");
    /// let before = key.current();
    /// publisher.publish("new");
    /// assert_eq!((*before, *key.current()), ("old", "new"));
    /// ```
    pub fn manual(value: T) -> (Self, Publisher<T>) {
        Rotating::builder().manual(value)
    }
}

impl<T, S> Rotating<T, S> {
    pub(crate) fn new(
        shared: Shared<T, S>,
        engine: Option<Engine<T, S>>,
        progress: watch::Receiver<Progress>,
        clocks: Clocks,
    ) -> Self {
        Self(Arc::new(Handle {
            cell: shared.cell,
            events: shared.events,
            engine,
            progress,
            clocks,
        }))
    }

    /// Returns the current value with its generation.
    ///
    /// This is one atomic load. It takes no lock, allocates nothing and needs no runtime.
    #[must_use]
    pub fn current(&self) -> Current<T, S> {
        Current::load(&self.0.cell)
    }

    /// Requests a value newer than `failed`, a generation that no longer works.
    ///
    /// Returns at once if a newer value is already current. Otherwise concurrent callers share one
    /// round of fetches and its result, including an error. A fetch that was already running counts
    /// only if it brings a new value; otherwise another starts.
    ///
    /// The writer of the new value may be late. Therefore the first round asks again while the
    /// source still has the old value, until [`force_wait`] ends. A storm guard limits how often
    /// callers can start a round.
    ///
    /// The request is queued when this method is called, not when the future is polled.
    ///
    /// # Errors
    ///
    /// The future returns an error of kind
    ///
    /// - [`Unchanged`](RefreshErrorKind::Unchanged) if the source still has the same value;
    /// - [`Failed`](RefreshErrorKind::Failed) if the source failed;
    /// - [`TimedOut`](RefreshErrorKind::TimedOut) if there was no result within [`force_wait`];
    /// - [`Cooldown`](RefreshErrorKind::Cooldown), at once, if the storm guard refuses;
    /// - [`Throttled`](RefreshErrorKind::Throttled), after [`force_wait`], if the storm guard
    ///   refuses because of too many refreshes, and no newer value arrived by itself;
    /// - [`Manual`](RefreshErrorKind::Manual) if the value has a [`Publisher`] instead of a source;
    /// - [`Stopped`](RefreshErrorKind::Stopped) if the refresh task has stopped.
    ///
    /// [`force_wait`]: RotatingBuilder::force_wait
    pub fn refresh_newer_than(&self, failed: Generation) -> Refreshing<T, S> {
        self.demand(failed, Health::Unconfirmed, None)
    }

    /// Requests a value newer than `failed`. `health` is that of the generation before it failed. Waits
    /// for `wait` instead of `force_wait`, if that is given.
    pub(crate) fn demand(
        &self,
        failed: Generation,
        health: Health,
        wait: Option<Duration>,
    ) -> Refreshing<T, S> {
        let current = self.current();
        if current.generation() != failed {
            return Refreshing::known(Ok(current));
        }
        let wait = self.wait(wait);
        let demand = CommandKind::Demand {
            newer_than: failed,
            health,
            wait,
        };
        self.send(demand, Some(wait))
    }

    /// Asks the source now and returns the value that is current afterwards, new or not.
    ///
    /// The fetch starts after this call, and no sooner than [`min_interval`] after the start of the
    /// previous fetch. Concurrent callers share it. The request is queued when this method is
    /// called, not when the future is polled.
    ///
    /// [`min_interval`]: RotatingBuilder::min_interval
    ///
    /// # Errors
    ///
    /// The future returns an error of kind [`Failed`](RefreshErrorKind::Failed) if the source
    /// failed, [`Throttled`](RefreshErrorKind::Throttled) after too many refreshes in a short time,
    /// [`Manual`](RefreshErrorKind::Manual) if the value has a [`Publisher`] instead of a source,
    /// and [`Stopped`](RefreshErrorKind::Stopped) if the refresh task has stopped.
    pub fn refresh(&self) -> Refreshing<T, S> {
        self.send(CommandKind::Refresh, None)
    }

    /// Returns the state of the value and of its refreshes, for health checks.
    #[must_use]
    pub fn status(&self) -> Status {
        let current = self.current();
        let progress = self.0.progress.borrow().clone();
        let stopped = self.0.progress.has_changed().is_err();
        let refresh_state = match (&self.0.engine, stopped) {
            (_, true) => RefreshState::Stopped,
            (Some(_), false) => RefreshState::Running,
            (None, false) => RefreshState::Manual,
        };
        Status {
            name: Arc::clone(self.0.events.name()),
            generation: current.generation(),
            age: Instant::now().saturating_duration_since(current.content().obtained.mono),
            expires_at: current.expires_at(),
            last_error: progress.last_error,
            failures: progress.failures,
            next_attempt: progress.next_attempt.filter(|_| !stopped),
            events_dropped: self.0.events.dropped(),
            refresh_state,
        }
    }

    /// Subscribes to each later change.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<T, S> {
        Subscription::new(
            Arc::clone(&self.0.cell),
            self.0.progress.clone(),
            self.current().generation(),
        )
    }

    /// Returns whether both are handles of one value.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Waits for the round that an earlier demand for a value newer than `failed` has started.
    ///
    /// Returns `None` if nothing refreshes the value.
    pub(crate) fn join(
        &self,
        failed: Generation,
        wait: Option<Duration>,
    ) -> Option<Refreshing<T, S>> {
        let newer_than = failed;
        let is_refreshed = self.0.engine.is_some();
        is_refreshed.then(|| self.send(CommandKind::Join { newer_than }, Some(self.wait(wait))))
    }

    /// Returns how long to wait for a newer value: as long as the caller says, or as the builder.
    fn wait(&self, wait: Option<Duration>) -> Duration {
        let of_builder = self.0.engine.as_ref().map(|engine| engine.force_wait);
        wait.or(of_builder).unwrap_or_default()
    }

    /// Returns whether a value has expired on either clock.
    pub(crate) fn has_expired(&self, current: &Current<T, S>) -> bool {
        let deadline = current.deadline();
        deadline.is_some_and(|deadline| deadline.passed(self.now()))
    }

    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(self.0.events.name())
    }

    pub(crate) fn wall(&self) -> SystemTime {
        self.0.clocks.wall()
    }

    pub(crate) fn now(&self) -> Now {
        self.0.clocks.now()
    }

    /// Sends a command, and waits for its answer no longer than `limit`.
    fn send(&self, kind: CommandKind, limit: Option<Duration>) -> Refreshing<T, S> {
        let failed = |kind| Refreshing::known(Err(RefreshError::new(kind)));
        let Some(engine) = &self.0.engine else {
            return failed(RefreshErrorKind::Manual);
        };
        let (reply, outcome) = oneshot::channel();
        match engine.commands.try_send(Command { kind, reply }) {
            Ok(()) => match limit {
                Some(limit) => Refreshing::limited(outcome, limit, &engine.runtime),
                None => Refreshing::waiting(outcome),
            },
            Err(TrySendError::Full(_)) => failed(RefreshErrorKind::Throttled),
            Err(TrySendError::Closed(_)) => failed(RefreshErrorKind::Stopped),
        }
    }
}

impl<T, S> Clone for Rotating<T, S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T, S> fmt::Debug for Rotating<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotating")
            .field("name", self.0.events.name())
            .field("generation", &self.current().generation())
            .finish_non_exhaustive()
    }
}
