//! The builder of a rotating value.

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

/// The resolution of the timer. With an interval of zero, a source that hints without end would be
/// asked without end, and nothing else would run.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// A builder for a [`Rotating`] value, created by [`Rotating::builder`].
///
/// Every setting has a default. A duration above ten years counts as ten years.
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

    /// Sets the name that events, log lines and [`Status`](crate::rotating::Status) use. Defaults
    /// to `key`.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets a function that receives every [`Event`], in order. Defaults to none.
    ///
    /// It runs on a thread of its own, so it may block. After a panic it still receives the next
    /// event. While 1024 events wait, further ones are dropped and counted in
    /// [`Status::events_dropped`](crate::rotating::Status::events_dropped).
    pub fn observer(mut self, observer: impl FnMut(&Event) + Send + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Sets the longest time between two scheduled fetches, even if the value expires later.
    ///
    /// Each wait varies by up to 10 %. Defaults to the interval that the source sets. A source that
    /// sets none is asked before its value expires, or every 60 s if the value has no expiry.
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = Some(poll);
        self
    }

    /// Sets the shortest time between two fetches, whatever their reason.
    ///
    /// Defaults to what the source sets, which is 1 s for most. A value below 1 ms counts as 1 ms.
    pub fn min_interval(mut self, min_interval: Duration) -> Self {
        self.min_interval = Some(min_interval);
        self
    }

    /// Sets how long one fetch may take. Defaults to 30 s.
    ///
    /// A fetch that takes longer is dropped and counts as failed.
    pub fn fetch_timeout(mut self, fetch_timeout: Duration) -> Self {
        self.fetch_timeout = fetch_timeout;
        self
    }

    /// Sets how long to retry until the first value arrives. Defaults to zero: one fetch.
    ///
    /// A fetch that hangs ends only after [`fetch_timeout`](Self::fetch_timeout).
    pub fn wait_for_first(mut self, wait: Duration) -> Self {
        self.wait_for_first = wait;
        self
    }

    /// Sets the wait after a failed fetch: `first`, then doubled each time up to `cap`. Defaults to
    /// 1 s and 60 s.
    ///
    /// Each wait is shortened at random by up to a half.
    pub fn backoff(mut self, first: Duration, cap: Duration) -> Self {
        self.backoff.first = first;
        self.backoff.cap = cap;
        self
    }

    /// Sets the longest time that rejected (or held) requests wait for a newer value, counted from
    /// the first rejection of the round. Defaults to 5 s.
    pub fn force_wait(mut self, force_wait: Duration) -> Self {
        self.force_wait = force_wait;
        self
    }

    /// Sets how long the previous value stays usable after a rotation. Defaults to 5 minutes.
    ///
    /// A new key may need time until the upstream accepts it. While the upstream still rejects the
    /// new value, [`InjectKeyLayer`](crate::outbound::InjectKeyLayer) replays a rejected request
    /// with the previous one. Only a value that the upstream has accepted is kept, and it is
    /// dropped early if it expires or is rejected.
    ///
    /// Each such request is sent twice. If the upstream rejects both values, the caller gets that
    /// rejection, because no request is sent a third time. Choose an overlap below the lifetime of
    /// a key.
    ///
    /// Use [`Duration::ZERO`] if the upstream accepts a new key before the source delivers it, or
    /// if keys are replaced because they leaked.
    pub fn overlap(mut self, overlap: Duration) -> Self {
        self.overlap = overlap;
        self
    }

    /// Sets how long rejections cannot force another refresh. Defaults to 10 s, doubled each time
    /// up to 5 minutes.
    ///
    /// The cooldown applies to the generation that was rejected. After two forced refreshes without
    /// an accepted generation, it also applies to newer ones that the upstream has not accepted. A
    /// generation that the upstream has accepted resets it, once; 429 and 5xx do not count.
    pub fn cooldown(mut self, first: Duration, cap: Duration) -> Self {
        self.limits.cooldown = first;
        self.limits.cooldown_cap = cap;
        self
    }

    /// Sets the wall clock, so that tests can move it. Defaults to [`SystemTime::now`].
    pub fn wall_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.wall = Arc::new(clock);
        self
    }

    /// Fetches the first value and spawns the refresh task, as [`Rotating::start`] does.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`StartErrorKind::Source`] if the source delivers no usable value
    /// within [`wait_for_first`](Self::wait_for_first), and [`StartErrorKind::NoRuntime`] outside a
    /// tokio runtime.
    ///
    /// [`StartErrorKind::Source`]: crate::rotating::StartErrorKind::Source
    /// [`StartErrorKind::NoRuntime`]: crate::rotating::StartErrorKind::NoRuntime
    pub async fn start<S>(self, source: S) -> Result<Rotating<S::Value>, StartError>
    where
        S: Source<Value: PartialEq>,
    {
        let (rotating, driver) = self.pair(source).await?;
        tokio::spawn(driver);
        Ok(rotating)
    }

    /// Fetches the first value and returns it with the refresh task, as [`Rotating::pair`] does.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`start`](Self::start).
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

    /// Creates a value that is published manually, as [`Rotating::manual`] does.
    ///
    /// Only the name, the observer, the overlap and the wall clock apply.
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

    /// Returns the settings, bounded so that no sum of times overflows.
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
