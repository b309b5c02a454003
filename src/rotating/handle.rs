//! The handle that a program holds on a rotating value.

use super::engine::Command;
use super::shared::Shared;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::builder::RotatingBuilder;
use super::error::{RefreshError, RefreshErrorKind, StartError};
use super::event::{EventKind, Events};
use super::publisher::Publisher;
use super::refreshing::{Refreshed, Refreshing};
use super::status::{Progress, RefreshState, Status, Subscription};
use super::value::{Cell, Current, Previous, Proven};
use crate::clock::Now;
use crate::clock::WallClock;
use crate::generation::Generation;
use crate::source::Source;

/// A value that is replaced while it is in use, kept up to date by one refresh task.
///
/// [`current`](Self::current) loads the value with one atomic read. Clones are cheap and share the
/// value. Dropping the last clone stops the refresh task at once.
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
pub struct Rotating<T>(Arc<Handle<T>>);

struct Handle<T> {
    cell: Arc<Cell<T>>,
    events: Arc<Events>,
    /// The queue of the refresh task, if there is one. Dropping it with the last handle stops the
    /// task.
    commands: Option<mpsc::UnboundedSender<Command<T>>>,
    progress: watch::Receiver<Progress>,
    wall: WallClock,
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
        RotatingBuilder::new().start(source).await
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
        RotatingBuilder::new().pair(source).await
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
        RotatingBuilder::new().manual(value)
    }
}

impl<T> Rotating<T> {
    pub(crate) fn new(
        shared: Shared<T>,
        commands: Option<mpsc::UnboundedSender<Command<T>>>,
        progress: watch::Receiver<Progress>,
        wall: WallClock,
    ) -> Self {
        Self(Arc::new(Handle {
            cell: shared.cell,
            events: shared.events,
            commands,
            progress,
            wall,
        }))
    }

    /// Returns the current value with its generation.
    ///
    /// This is one atomic load. It takes no lock, allocates nothing and needs no runtime.
    #[must_use]
    pub fn current(&self) -> Current<T> {
        Current::load(&self.0.cell)
    }

    /// Requests a value newer than `rejected`, a generation that the upstream rejected.
    ///
    /// Returns at once if a newer value is already current. Otherwise concurrent callers share one
    /// round of fetches and its result, including an error. A fetch that was already running counts
    /// only if it brings a new value; otherwise another starts.
    ///
    /// The writer of the new value may be late. Therefore the first round, and the first one after
    /// the upstream accepts a generation for the first time, asks again while the source still has
    /// the old value, until [`force_wait`] ends.
    ///
    /// The request is queued when this method is called, not when the future is polled. A value
    /// that was rejected is not kept for the [overlap](RotatingBuilder::overlap) when it is
    /// replaced.
    ///
    /// # Errors
    ///
    /// The future returns an error of kind
    ///
    /// - [`Unchanged`](RefreshErrorKind::Unchanged) if the source still has the rejected value;
    /// - [`Failed`](RefreshErrorKind::Failed) if the source failed;
    /// - [`TimedOut`](RefreshErrorKind::TimedOut) if there was no result within [`force_wait`];
    /// - [`Cooldown`](RefreshErrorKind::Cooldown) or [`Throttled`](RefreshErrorKind::Throttled), at
    ///   once, if the storm guard refuses;
    /// - [`Manual`](RefreshErrorKind::Manual) if the value has a [`Publisher`] instead of a source;
    /// - [`Stopped`](RefreshErrorKind::Stopped) if the refresh task has stopped.
    ///
    /// [`force_wait`]: RotatingBuilder::force_wait
    pub fn refresh_newer_than(&self, rejected: Generation) -> Refreshing<T> {
        let current = self.current();
        if current.generation() != rejected {
            let previous = current.previous().map(Previous::content);
            if let Some(previous) = previous.filter(|content| content.generation == rejected) {
                previous.reject();
            }
            return Refreshing::known(Ok(current));
        }
        let refreshing = self.send(|reply| Command::Rejected {
            generation: rejected,
            reply,
        });
        // Queue first, mark second: who sees the mark queues a `Join`, which must come after this
        // command. Before it, the `Join` would find no round to wait for.
        current.content().reject();
        refreshing
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
    pub fn refresh(&self) -> Refreshing<T> {
        self.send(|reply| Command::Refresh { reply })
    }

    /// Returns the state of the value and of its refreshes, for health checks.
    #[must_use]
    pub fn status(&self) -> Status {
        let current = self.current();
        let progress = self.0.progress.borrow().clone();
        let stopped = self.0.progress.has_changed().is_err();
        let refresh_state = match (&self.0.commands, stopped) {
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
    pub fn subscribe(&self) -> Subscription<T> {
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

    /// Records that the upstream accepted a generation: its answer shows that it looked at the key
    /// and accepted it. Do not report 429, 5xx or transport errors.
    ///
    /// Has no effect for a generation that is not current.
    ///
    /// [`InjectKeyLayer`](crate::outbound::InjectKeyLayer) calls this by itself. Call it if you put
    /// keys on requests with [`Credential::apply_to`](crate::outbound::Credential::apply_to),
    /// together with [`refresh_newer_than`](Self::refresh_newer_than) for rejections. Without it,
    /// the storm guard takes every rotation for one that the upstream never accepted, and holds
    /// refreshes back.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_rotating_auth::{Rotating, Secret, source::{SourceError, source_fn}};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut made = 0;
    /// # let source = source_fn(move || {
    /// #     made += 1;
    /// #     let key = Secret::from(format!("sk-{made}").as_str());
    /// #     async { Ok::<_, SourceError>(key) }
    /// # });
    /// let key = Rotating::start(source).await?;
    /// for _ in 0..4 {
    ///     let used = key.current().generation();
    ///     key.report_accepted(used);
    ///     let newer = key.refresh_newer_than(used).await?; // rejected later
    ///     assert!(newer.generation() > used);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn report_accepted(&self, generation: Generation) {
        let current = self.current();
        if current.generation() == generation && current.content().accept() {
            self.emit(EventKind::InUse { generation });
        }
    }

    /// Returns a value for the second attempt of a rejected request: the previous value, at once,
    /// or the result of [`refresh_newer_than`](Self::refresh_newer_than).
    ///
    /// It falls back to the previous value if
    ///
    /// - the rejected generation was unproven when the request was sent (`proven_when_sent`),
    /// - that generation is still current, or the current one has not proven itself or was rejected
    ///   since, and
    /// - the previous value is older than the rejected one and still usable.
    ///
    /// Then a refresh is started in the background, unless the current generation has proven itself
    /// or is another one than the rejected.
    pub(crate) fn fall_back_or_refresh(
        &self,
        rejected: Generation,
        proven_when_sent: Proven,
    ) -> Refreshing<T> {
        let current = self.current();
        let current_is_proven = current.content().proven() == Proven::Yes;
        let still_current = current.generation() == rejected;
        let previous = current.previous().filter(|previous| {
            proven_when_sent == Proven::No
                && (still_current || !current_is_proven)
                && previous.content().generation < rejected
                && previous.is_usable(self.now())
        });
        let Some(previous) = previous else {
            return self.refresh_newer_than(rejected);
        };
        // A generation that has proven itself since then needs no refresh: a source that mints a
        // new key for each fetch would otherwise never come to rest.
        if !current_is_proven {
            drop(self.refresh_newer_than(rejected));
        }
        Refreshing::known(Ok(previous.load()))
    }

    /// Waits for the refresh of a value that was proven and then rejected.
    ///
    /// Returns `None` if the value was not rejected since, or if nothing refreshes it.
    pub(crate) fn join_refresh(&self, current: &Current<T>) -> Option<Refreshing<T>> {
        let is_refreshed = self.0.commands.is_some();
        (is_refreshed && current.content().proven() == Proven::RejectedSince).then(|| {
            self.send(|reply| Command::Join {
                generation: current.generation(),
                reply,
            })
        })
    }

    /// Returns whether a value has expired on either clock.
    pub(crate) fn has_expired(&self, current: &Current<T>) -> bool {
        let deadline = current.deadline();
        deadline.is_some_and(|deadline| deadline.passed(self.now()))
    }

    pub(crate) fn emit(&self, kind: EventKind) {
        self.0.events.emit(kind, self.wall());
    }

    pub(crate) fn wall(&self) -> SystemTime {
        (self.0.wall)()
    }

    fn now(&self) -> Now {
        Now {
            mono: Instant::now(),
            wall: self.wall(),
        }
    }

    fn send(
        &self,
        command: impl FnOnce(oneshot::Sender<Refreshed<T>>) -> Command<T>,
    ) -> Refreshing<T> {
        let Some(commands) = &self.0.commands else {
            return Refreshing::known(Err(RefreshError::new(RefreshErrorKind::Manual)));
        };
        let (reply, outcome) = oneshot::channel();
        match commands.send(command(reply)) {
            Ok(()) => Refreshing::waiting(outcome),
            Err(_) => Refreshing::known(Err(RefreshError::new(RefreshErrorKind::Stopped))),
        }
    }
}

impl<T> Clone for Rotating<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Rotating<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotating")
            .field("name", self.0.events.name())
            .field("generation", &self.current().generation())
            .finish_non_exhaustive()
    }
}
