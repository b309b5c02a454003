//! Everything about a rotating value that has a default.

use crate::clock::WallClock;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::engine::Backoff;
use super::engine::Limits;
use super::engine::Settings;
use super::engine::driver;
use super::engine::driver::Driver;
use super::error::StartError;
use super::event::{Event, Events, Observer};
use super::handle::Rotating;
use super::publisher::Publisher;
use super::shared::Shared;
use super::status::Progress;
use super::value::Snapshot;
use crate::clock::Clocks;
use crate::clock::Now;
use crate::generation::Generation;
use crate::source::LONGEST;
use crate::source::{RefreshInterval, Source};

/// What a timer can tell apart. Without an interval a hint that does not end would be asked about
/// without end, and nothing else would run.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// Everything about a rotating value that has a default. Made by [`Rotating::builder`].
///
/// ```
/// use std::time::Duration;
/// use tower_rotating_auth::{Rotating, Secret, source::{SourceError, source_fn}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_rotating_auth::rotating::StartError> {
/// let source = source_fn(|| async { Ok::<_, SourceError>(Secret::from("sk-1f0c")) });
/// let key = Rotating::builder()
///     .name("openai")
///     .poll(Duration::from_secs(10))
///     .observer(|event| println!("{event:?}"))
///     .start(source)
///     .await?;
/// assert_eq!(&*key.status().name, "openai");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct RotatingBuilder {
    name: Arc<str>,
    observer: Option<Observer>,
    wall: WallClock,
    poll: Option<Duration>,
    min_interval: Option<Duration>,
    fetch_timeout: Duration,
    wait_for_first: Duration,
    backoff: Backoff,
    limits: Limits,
    force_wait: Duration,
    overlap: Duration,
}

impl RotatingBuilder {
    pub(crate) fn new() -> Self {
        Self {
            name: "key".into(),
            observer: None,
            wall: Arc::new(SystemTime::now),
            poll: None,
            min_interval: None,
            fetch_timeout: Duration::from_secs(30),
            wait_for_first: Duration::ZERO,
            backoff: Backoff {
                first: Duration::from_secs(1),
                cap: Duration::from_secs(60),
                permanent_cap: Duration::from_secs(300),
            },
            limits: Limits {
                cooldown: Duration::from_secs(10),
                cooldown_cap: Duration::from_secs(300),
                burst: 3,
                refill: Duration::from_secs(10),
            },
            force_wait: Duration::from_secs(5),
            overlap: Duration::from_secs(300),
        }
    }

    /// What events and the status call it; `key` unless told.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Told of every event, in order, on a thread of its own: it may block, and if it panics it is told of
    /// the next event all the same. What it is too slow for is dropped and counted.
    pub fn observer(mut self, observer: impl FnMut(&Event) + Send + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Asks the source at least so often, also where its values tell when they expire.
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = Some(poll);
        self
    }

    /// Asks the source at most so often, whatever the reason; as the source says unless told, and never
    /// more than once a millisecond.
    pub fn min_interval(mut self, min_interval: Duration) -> Self {
        self.min_interval = Some(min_interval);
        self
    }

    /// Gives up on a fetch after this time; 30 s unless told.
    pub fn fetch_timeout(mut self, fetch_timeout: Duration) -> Self {
        self.fetch_timeout = fetch_timeout;
        self
    }

    /// Keeps asking for the first value for so long before it gives up; not at all unless told.
    pub fn wait_for_first(mut self, wait: Duration) -> Self {
        self.wait_for_first = wait;
        self
    }

    /// Spaces failed attempts from `first`, doubling, to `cap`, with jitter; 1 s and 60 s unless told.
    pub fn backoff(mut self, first: Duration, cap: Duration) -> Self {
        self.backoff.first = first;
        self.backoff.cap = cap;
        self
    }

    /// Lets a rejected request wait so long for a new value; 5 s unless told.
    pub fn force_wait(mut self, force_wait: Duration) -> Self {
        self.force_wait = force_wait;
        self
    }

    /// Keeps a value that has proven itself for so long after it was replaced, 5 min unless told, and no longer
    /// than until it expires. While the upstream rejects the new one, which may not be active there yet,
    /// [`InjectKeyLayer`](crate::outbound::InjectKeyLayer) sends the second attempt with the old one.
    ///
    /// Each of those requests is sent twice. Where the old one is not taken any more, either, the caller is given the
    /// rejection, since no request is sent a third time: choose less than the time for which keys live. [`Duration::ZERO`]
    /// cuts over at once: for an upstream that takes a new key before the source has it, and for keys that are replaced
    /// because they are compromised.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.overlap = overlap;
        self
    }

    /// Holds back the next forced refresh of a generation that was refreshed in vain for `first`,
    /// doubling, up to `cap`; 10 s and 5 min unless told.
    pub fn cooldown(mut self, first: Duration, cap: Duration) -> Self {
        self.limits.cooldown = first;
        self.limits.cooldown_cap = cap;
        self
    }

    /// Reads the wall clock by `clock`, for tests of what happens when it jumps.
    pub fn wall_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.wall = Arc::new(clock);
        self
    }

    /// As [`Rotating::start`].
    ///
    /// # Errors
    ///
    /// When there is no first value, or no runtime.
    pub async fn start<S>(self, source: S) -> Result<Rotating<S::Value>, StartError>
    where
        S: Source<Value: PartialEq>,
    {
        let (rotating, driver) = self.pair(source).await?;
        tokio::spawn(driver);
        Ok(rotating)
    }

    /// As [`Rotating::pair`].
    ///
    /// # Errors
    ///
    /// When there is no first value, or no runtime.
    pub async fn pair<S>(
        self,
        mut source: S,
    ) -> Result<
        (
            Rotating<S::Value>,
            impl Future<Output = ()> + Send + 'static,
        ),
        StartError,
    >
    where
        S: Source<Value: PartialEq>,
    {
        runtime::Handle::try_current().map_err(|_| StartError::no_runtime())?;
        let settings = self.settings(source.refresh_interval());
        let clocks = Clocks::new(Arc::clone(&self.wall));
        let events = Events::new(self.name, self.observer);
        let wait = self.wait_for_first;
        let first = driver::first(&mut source, settings, self.fetch_timeout, wait, &clocks).await?;

        let (commands, inbox) = mpsc::unbounded_channel();
        let (progress, watcher) = watch::channel(Progress {
            generation: Generation::FIRST,
            last_error: None,
            failures: 0,
            next_attempt: first.plan.due().wall(),
        });
        let shared = Shared::new(first.snapshot, events);
        let rotating = Rotating::new(shared.clone_handles(), Some(commands), watcher, self.wall);
        let driver = Driver::new(
            source,
            shared,
            first.plan,
            self.fetch_timeout,
            clocks,
            inbox,
            progress,
        );
        Ok((rotating, driver.run()))
    }

    /// As [`Rotating::manual`].
    pub fn manual<T>(self, value: T) -> (Rotating<T>, Publisher<T>) {
        let now = Now {
            mono: Instant::now(),
            wall: (self.wall)(),
        };
        let (progress, watcher) = watch::channel(Progress {
            generation: Generation::FIRST,
            last_error: None,
            failures: 0,
            next_attempt: None,
        });
        let events = Events::new(self.name, self.observer);
        let shared = Shared::new(Snapshot::first(value, now, None), events);
        let publisher = Publisher {
            cell: Arc::clone(&shared.cell),
            events: Arc::clone(&shared.events),
            progress,
            wall: Arc::clone(&self.wall),
            overlap: self.overlap,
            retired: Vec::new(),
        };
        (Rotating::new(shared, None, watcher, self.wall), publisher)
    }

    /// What was set, within what sums of times and a timer can do.
    fn settings(&self, interval: RefreshInterval) -> Settings {
        let bounded = |time: Duration| time.min(LONGEST);
        let min_interval = self.min_interval.unwrap_or(interval.min_interval);
        Settings {
            interval: RefreshInterval {
                poll: self.poll.or(interval.poll).map(bounded),
                min_interval: min_interval.clamp(SHORTEST_INTERVAL, LONGEST),
            },
            backoff: Backoff {
                first: bounded(self.backoff.first),
                cap: bounded(self.backoff.cap),
                permanent_cap: bounded(self.backoff.permanent_cap),
            },
            limits: Limits {
                cooldown: bounded(self.limits.cooldown),
                cooldown_cap: bounded(self.limits.cooldown_cap),
                ..self.limits
            },
            force_wait: bounded(self.force_wait),
            overlap: bounded(self.overlap),
        }
    }
}

impl fmt::Debug for RotatingBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotatingBuilder")
            .field("name", &self.name)
            .field("poll", &self.poll)
            .field("min_interval", &self.min_interval)
            .field("fetch_timeout", &self.fetch_timeout)
            .field("wait_for_first", &self.wait_for_first)
            .field("force_wait", &self.force_wait)
            .field("overlap", &self.overlap)
            .finish_non_exhaustive()
    }
}
