//! The handle: what the rest of a program holds of a rotating value.

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

/// A value that is replaced while it is in use: loaded by one atomic read, refreshed by one task.
///
/// Clones are cheap and share the value. Dropping the last one stops the refresh task at once.
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
    /// Closed when the last handle goes, which stops the refresh task; absent where there is none.
    commands: Option<mpsc::UnboundedSender<Command<T>>>,
    progress: watch::Receiver<Progress>,
    wall: WallClock,
}

impl Rotating<()> {
    /// A builder, for everything that has a default.
    pub fn builder() -> RotatingBuilder {
        RotatingBuilder::new()
    }
}

impl<T: PartialEq + Send + Sync + 'static> Rotating<T> {
    /// Fetches the first value and spawns the refresh task on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When there is no first value: then there must be no traffic either. When there is no runtime.
    pub async fn start(source: impl Source<Value = T>) -> Result<Self, StartError> {
        RotatingBuilder::new().start(source).await
    }

    /// Fetches the first value and hands out the driver, for those who spawn their tasks themselves.
    ///
    /// The driver is the refresh task: it must be polled in a tokio runtime with a timer, and ends when
    /// the last handle is dropped.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn pair<S: Source<Value = T>>(
        source: S,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), StartError> {
        RotatingBuilder::new().pair(source).await
    }

    /// A value that is published by hand, by the one [`Publisher`].
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

    /// The current value with its generation: one atomic load, on any thread, with no lock, no
    /// allocation and no runtime.
    #[must_use]
    pub fn current(&self) -> Current<T> {
        Current::load(&self.0.cell)
    }

    /// Asks for a value newer than a generation that was rejected.
    ///
    /// Where a newer one is current already, it is the outcome, and nothing is fetched. Otherwise all who
    /// ask share one attempt that starts after the first rejection, its failure as much as its success; if it
    /// finds the old value still there, the outcome waits a moment for the writer, who may be behind.
    ///
    /// The refresh is asked for at once, whether or not the returned future is awaited. A value that was
    /// rejected is not kept for the [overlap](RotatingBuilder::overlap) once it is replaced.
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
        current.content().reject();
        refreshing
    }

    /// Asks the source now. The outcome is the value that is current after an attempt that started after
    /// this call, new or not.
    pub fn refresh(&self) -> Refreshing<T> {
        self.send(|reply| Command::Refresh { reply })
    }

    /// How the value is doing.
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

    /// Word of each change from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<T> {
        Subscription::new(
            Arc::clone(&self.0.cell),
            self.0.progress.clone(),
            self.current().generation(),
        )
    }

    /// Whether both are handles of one value.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Notes that the upstream took a generation: an answer that is not a rejection, to a request with it.
    ///
    /// The layer does so by itself. A host that puts keys on by hand ([`Credential::apply_to`](crate::outbound::Credential::apply_to))
    /// tells it here, as it tells rejections by [`refresh_newer_than`](Self::refresh_newer_than): rotations of which each is used
    /// and then rejected are never held back, and those of which none ever is soon are.
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
    ///     let newer = key.refresh_newer_than(used).await?; // it is rejected, later
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

    /// A value for the second attempt of a request that was rejected. As [`refresh_newer_than`](Self::refresh_newer_than); but
    /// where the generation had not proven itself when the request was `sent`, and the one before it still
    /// stands, that is the outcome, at once: the refresh goes on in the background.
    pub(crate) fn instead_of(&self, rejected: Generation, sent: Proven) -> Refreshing<T> {
        let current = self.current();
        let good = current.content().proven() == Proven::Yes;
        let is_rejected = current.generation() == rejected;
        let previous = current.previous().filter(|previous| {
            sent == Proven::No
                && (is_rejected || !good)
                && previous.content().generation < rejected
                && previous.is_usable(self.now())
        });
        let Some(previous) = previous else {
            return self.refresh_newer_than(rejected);
        };
        // One that has proven itself since the request was sent is not refreshed for it.
        if !good {
            drop(self.refresh_newer_than(rejected));
        }
        Refreshing::known(Ok(previous.load()))
    }

    /// Waits with those whose requests were rejected, if a value is proven and is being refreshed for that;
    /// `None` where nothing tells of it, or nobody refreshes it.
    pub(crate) fn join_refresh(&self, current: &Current<T>) -> Option<Refreshing<T>> {
        let is_refreshed = self.0.commands.is_some();
        (is_refreshed && current.content().proven() == Proven::RejectedSince).then(|| {
            self.send(|reply| Command::Join {
                generation: current.generation(),
                reply,
            })
        })
    }

    /// Whether a value has stopped being good, as either clock has it.
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
