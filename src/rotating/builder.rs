//! The builder of a rotating value.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::{self, RuntimeFlavor};
use tokio::sync::{mpsc, watch};

use super::engine::driver::{Driver, Worker};
use super::engine::{Backoff, EngineState, Limits, Pace, RefreshAhead, Settings, driver};
use super::error::StartError;
use super::event::{Emit, Event, EventKind, Events, Observer, TraceEvent};
use super::handle::{Engine, Rotating};
use super::publisher::Publisher;
use super::shared::Shared;
use super::status::Progress;
use super::value::{Generations, Snapshot, Stateless};
use crate::clock::{Clocks, WallClock};
use crate::generation::Generation;
use crate::source::{LONGEST, RefreshInterval, Source};

/// The number of requests for a refresh that may be queued. Each has somebody who waits, so there
/// are more only while a source blocks the refresh task.
const QUEUED: usize = 1024;

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
///
/// `K` is the kind of its events, which follows from the function that creates the builder.
#[must_use]
pub struct RotatingBuilder<K = EventKind> {
    name: Arc<str>,
    observer: Option<Observer<K>>,
    wall: WallClock,
    poll: Option<Duration>,
    min_interval: Option<Duration>,
    ahead: RefreshAhead,
    fetch_timeout: Duration,
    wait_for_first: Duration,
    backoff: Backoff,
    limits: Limits,
    force_wait: Duration,
    /// How long a replaced value stays usable. Only an outbound credential has one.
    pub(crate) overlap: Duration,
}

impl<K> RotatingBuilder<K> {
    pub(crate) fn new() -> Self {
        Self {
            name: "key".into(),
            observer: None,
            wall: Arc::new(SystemTime::now),
            poll: None,
            min_interval: None,
            ahead: RefreshAhead::default(),
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
            overlap: Duration::ZERO,
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
    pub fn observer(mut self, observer: impl FnMut(&Event<K>) + Send + 'static) -> Self {
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

    /// Sets how long before its expiry a value is refreshed. Defaults to [`RefreshAhead::default`]:
    /// after three quarters of its lifetime, less up to 15 % of that.
    ///
    /// It has no effect on a value without an expiry.
    pub fn refresh_ahead(mut self, ahead: RefreshAhead) -> Self {
        self.ahead = ahead;
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
    ///
    /// A source that blocks its thread does not make them wait longer.
    pub fn force_wait(mut self, force_wait: Duration) -> Self {
        self.force_wait = force_wait;
        self
    }

    /// Sets how long rejections cannot force another refresh. Defaults to 10 s, doubled each time
    /// up to 5 minutes.
    ///
    /// The cooldown applies to the generation that was rejected, as long as the upstream accepts it
    /// no more. After two forced refreshes, it also applies to newer ones until one has
    /// worked for 10 s. Such a generation resets it, once.
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

    /// Takes the name and the observer, and returns the sink of events.
    pub(crate) fn events(&mut self) -> Arc<Events<K>>
    where
        K: Send + 'static,
    {
        Arc::new(Events::new(Arc::clone(&self.name), self.observer.take()))
    }

    /// Fetches the first value and spawns the refresh task. Returns also the sink of events.
    pub(crate) async fn start_with<Src, S>(
        self,
        source: Src,
        generations: Arc<dyn Generations<Src::Value, S>>,
    ) -> Result<(Rotating<Src::Value, S>, Arc<Events<K>>), StartError>
    where
        Src: Source<Value: PartialEq>,
        S: Send + Sync + 'static,
        K: From<EventKind> + TraceEvent + Send + 'static,
    {
        let (rotating, events, task) = self.pair_on(worker(), source, generations).await?;
        tokio::spawn(task);
        Ok((rotating, events))
    }

    /// Fetches the first value and returns it with the sink of events and the refresh task.
    pub(crate) async fn pair_with<Src, S>(
        self,
        source: Src,
        generations: Arc<dyn Generations<Src::Value, S>>,
    ) -> Result<
        (
            Rotating<Src::Value, S>,
            Arc<Events<K>>,
            impl Future<Output = ()> + Send + 'static + use<Src, S, K>,
        ),
        StartError,
    >
    where
        Src: Source<Value: PartialEq>,
        S: Send + Sync + 'static,
        K: From<EventKind> + TraceEvent + Send + 'static,
    {
        self.pair_on(Worker::Unknown, source, generations).await
    }

    async fn pair_on<Src, S>(
        mut self,
        worker: Worker,
        mut source: Src,
        generations: Arc<dyn Generations<Src::Value, S>>,
    ) -> Result<
        (
            Rotating<Src::Value, S>,
            Arc<Events<K>>,
            impl Future<Output = ()> + Send + 'static + use<Src, S, K>,
        ),
        StartError,
    >
    where
        Src: Source<Value: PartialEq>,
        S: Send + Sync + 'static,
        K: From<EventKind> + TraceEvent + Send + 'static,
    {
        let events = self.events();
        let runtime = runtime::Handle::try_current().map_err(|_| StartError::no_runtime())?;
        let settings = self.settings(source.refresh_interval());
        let (timeout, wait) = (self.fetch_timeout, self.wait_for_first);
        let pace = self.pace();
        let clocks = Clocks::new(self.wall);
        let first =
            driver::first(&mut source, &*generations, settings, timeout, wait, &clocks).await?;

        let (commands, inbox) = mpsc::channel(QUEUED);
        let (progress, watcher) = watch::channel(Progress {
            generation: Generation::FIRST,
            last_error: None,
            failures: 0,
            next_attempt: first.plan.due().wall(),
        });
        let obtained = first.snapshot.content.obtained.wall;
        let shared = Shared::new(first.snapshot, Arc::clone(&events) as Arc<dyn Emit>);
        shared.measure(Some(obtained));
        shared.count_failures();
        let engine = Engine {
            commands,
            runtime,
            force_wait: self.force_wait.min(LONGEST),
        };
        let handles = shared.clone_handles();
        let rotating = Rotating::new(handles, Some(engine), watcher, clocks.clone());
        let state = EngineState::new(shared, generations, first.plan, clocks, progress);
        let task = Driver::new(source, state, pace, timeout, inbox, worker).run();
        Ok((rotating, events, task))
    }

    /// Creates a value that is published manually.
    pub(crate) fn manual_with<T, S>(
        self,
        value: T,
        generations: Arc<dyn Generations<T, S>>,
        events: Arc<dyn Emit>,
    ) -> (Rotating<T, S>, Publisher<T, S>) {
        let clocks = Clocks::new(self.wall);
        let now = clocks.now();
        let (progress, watcher) = watch::channel(Progress {
            generation: Generation::FIRST,
            last_error: None,
            failures: 0,
            next_attempt: None,
        });
        let first = Snapshot::first(value, generations.first(now), now, None);
        let shared = Shared::new(first, events);
        shared.measure(None);
        let publisher = Publisher {
            cell: Arc::clone(&shared.cell),
            events: Arc::clone(&shared.events),
            generations,
            progress,
            clocks: clocks.clone(),
            retired: Vec::new(),
        };
        (Rotating::new(shared, None, watcher, clocks), publisher)
    }

    /// Returns the settings, bounded so that no sum of times overflows.
    fn settings(&self, interval: RefreshInterval) -> Settings {
        let bounded = |time: Duration| time.min(LONGEST);
        Settings {
            interval: self.pace().over(interval),
            ahead: self.ahead,
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
        }
    }

    /// Returns how often the source is asked: as this builder says, or else the source.
    fn pace(&self) -> Pace {
        Pace {
            poll: self.poll,
            min_interval: self.min_interval,
        }
    }
}

impl RotatingBuilder {
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
        let (rotating, _) = self.start_with(source, Arc::new(Stateless)).await?;
        Ok(rotating)
    }

    /// Fetches the first value and returns it with the refresh task, as [`Rotating::pair`] does.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`start`](Self::start).
    pub async fn pair<S>(
        self,
        source: S,
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
        let (rotating, _, task) = self.pair_with(source, Arc::new(Stateless)).await?;
        Ok((rotating, task))
    }

    /// Creates a value that is published manually, as [`Rotating::manual`] does.
    ///
    /// Only the name, the observer and the wall clock apply.
    pub fn manual<T>(mut self, value: T) -> (Rotating<T>, Publisher<T>) {
        let events = self.events();
        self.manual_with(value, Arc::new(Stateless), events)
    }
}

/// Returns what a task can do that is spawned on the current runtime.
fn worker() -> Worker {
    let flavor = runtime::Handle::try_current().map(|handle| handle.runtime_flavor());
    match flavor {
        Ok(RuntimeFlavor::MultiThread) => Worker::CanHandOver,
        _ => Worker::Unknown,
    }
}

impl<K> fmt::Debug for RotatingBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotatingBuilder")
            .field("name", &self.name)
            .field("poll", &self.poll)
            .field("min_interval", &self.min_interval)
            .field("fetch_timeout", &self.fetch_timeout)
            .field("wait_for_first", &self.wait_for_first)
            .field("force_wait", &self.force_wait)
            .finish_non_exhaustive()
    }
}
