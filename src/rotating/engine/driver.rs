//! The loop of the refresh task.

use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::select;
use tokio::sync::mpsc;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep_until};

use super::command::Command;
use super::fetch::{compare, unexpired};
use super::plan::{Plan, Settings, Step};
use super::schedule::{self, Pace};
use super::state::EngineState;
use crate::clock::{Clocks, sleep_until_deadline};
use crate::rotating::error::StartError;
use crate::rotating::value::{Generations, Snapshot};
use crate::source::{
    Fetch, FetchReason, Fetched, LONGEST, Purpose, Source, SourceError, SourceErrorKind,
    fetch_within,
};

/// The refresh task of one rotating value.
pub(crate) struct Driver<Src: Source, S> {
    source: Src,
    hints: Hints,
    state: EngineState<Src::Value, S>,
    pace: Pace,
    inbox: mpsc::Receiver<Command<Src::Value, S>>,
    fetch_timeout: Duration,
    worker: Worker,
}

/// The thread that runs the refresh task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worker {
    /// A worker of a multi-threaded runtime, which can leave its other work to another thread.
    CanHandOver,
    /// Any other thread.
    Unknown,
}

/// Whether the engine waits for hints of the source.
///
/// It does not between a panic in `changed` and the end of the next fetch: a hint that always
/// panics would spin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hints {
    On,
    Off,
}

impl<Src, S> Driver<Src, S>
where
    Src: Source<Value: PartialEq>,
    S: Send + Sync + 'static,
{
    pub(crate) const fn new(
        source: Src,
        state: EngineState<Src::Value, S>,
        pace: Pace,
        fetch_timeout: Duration,
        inbox: mpsc::Receiver<Command<Src::Value, S>>,
        worker: Worker,
    ) -> Self {
        Self {
            source,
            hints: Hints::On,
            state,
            pace,
            inbox,
            fetch_timeout,
            worker,
        }
    }

    /// Runs until the last handle is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            self.handle_pending();
            self.state.free_retired();
            let done = match self.state.next_step() {
                Step::Fetch(reason) => self.fetch(reason).await,
                Step::SleepUntil(at) => self.wait(at).await,
            };
            if done.is_break() {
                return;
            }
        }
    }

    /// Handles the queued commands, so that the next fetch serves all who asked before it starts.
    fn handle_pending(&mut self) {
        for _ in 0..self.inbox.len() {
            if let Ok(command) = self.inbox.try_recv() {
                self.state.handle(command);
            }
        }
    }

    /// Waits for a command, a hint or the given time. Breaks when the last handle is dropped.
    async fn wait(&mut self, until: Instant) -> ControlFlow<()> {
        let listen = self.hints == Hints::On && self.state.wants_hint();
        select! {
            // Biased: commands come first, so that a source that hints without end cannot starve
            // them.
            biased;
            command = self.inbox.recv() => match command {
                Some(command) => self.state.handle(command),
                None => return ControlFlow::Break(()),
            },
            hinted = hint(&mut self.source), if listen => match hinted {
                Ok(()) => self.state.hint(),
                Err(HintPanicked) => self.hints = Hints::Off,
            },
            // Another engine of the same name that ended meanwhile has reset the gauges.
            () = sleep_until(until) => self.state.measure(),
        }
        ControlFlow::Continue(())
    }

    /// Fetches from the source. Meanwhile it handles commands and ends waits in time.
    async fn fetch(&mut self, reason: FetchReason) -> ControlFlow<()> {
        let (fetched_at, current) = self.state.start();
        let outcome = {
            let clocks = self.state.clocks().clone();
            let request = Fetch {
                reason,
                rejected: (reason == FetchReason::Rejected).then_some(current.content.generation),
                revision: current.revision.as_ref(),
                current: Some(&current.content.value),
                purpose: Purpose::Secret,
            };
            let mut fetching = pin!(async {
                let fetching = fetch_within(self.fetch_timeout, &mut self.source, request);
                let fetched = handing_over(self.worker, fetching).await?;
                compare(fetched, &current, fetched_at, &clocks, self.fetch_timeout).await
            });
            loop {
                let waits_end = self.state.waits_end();
                select! {
                    // Biased: a result that is there counts before the round times out.
                    biased;
                    outcome = &mut fetching => break outcome,
                    () = sleep_until_deadline(waits_end) => self.state.end_waits_if_due(),
                    command = self.inbox.recv() => match command {
                        Some(command) => self.state.handle(command),
                        None => return ControlFlow::Break(()),
                    },
                }
            }
        };
        self.hints = Hints::On;
        // It may depend on what the source has just fetched. After a panic, it stays as it is.
        let interval = catch_unwind(AssertUnwindSafe(|| self.source.refresh_interval()));
        if let Ok(interval) = interval {
            self.state.set_interval(self.pace.over(interval));
        }
        self.state.finish(reason, fetched_at, &current, outcome);
        ControlFlow::Continue(())
    }
}

/// Polls a source so that it can block nobody but itself, where that is possible.
///
/// A source that blocks its thread would also block what is queued behind it, and often the timers
/// of the runtime.
async fn handing_over<F: Future>(worker: Worker, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| match worker {
        Worker::CanHandOver => block_in_place(|| future.as_mut().poll(cx)),
        Worker::Unknown => future.as_mut().poll(cx),
    })
    .await
}

/// The source's `changed` panicked.
struct HintPanicked;

/// Waits for a hint of the source.
fn hint<S: Source>(source: &mut S) -> impl Future<Output = Result<(), HintPanicked>> + Send {
    AssertUnwindSafe(async { source.changed().await })
        .catch_unwind()
        .map(|hinted| {
            hinted.map_err(|_panic| {
                tracing::error!("the source panicked while it waited for changes");
                HintPanicked
            })
        })
}

/// The first value and the plan that follows from it.
pub(crate) struct First<T, S> {
    pub(crate) snapshot: Snapshot<T, S>,
    pub(crate) plan: Plan,
}

/// Fetches the first value. Retries until `wait` is over.
pub(crate) async fn first<Src: Source, S>(
    source: &mut Src,
    generations: &dyn Generations<Src::Value, S>,
    settings: Settings,
    fetch_timeout: Duration,
    wait: Duration,
    clocks: &Clocks,
) -> Result<First<Src::Value, S>, StartError> {
    // On the monotonic clock: the wall clock may be set for the first time meanwhile.
    let give_up = Instant::now() + wait.min(LONGEST);
    let mut failures = 0;
    loop {
        let fetched_at = clocks.now();
        let request = Fetch {
            reason: FetchReason::Start,
            rejected: None,
            revision: None,
            current: None,
            purpose: Purpose::Secret,
        };
        let error = match fetch_within(fetch_timeout, source, request).await {
            Ok(Fetched::Value {
                value,
                revision,
                expires_at,
            }) => match unexpired(expires_at, fetched_at, clocks.now()) {
                Ok(expires) => {
                    let now = clocks.now();
                    let state = generations.first(now);
                    let mut snapshot = Snapshot::first(value, state, fetched_at, expires);
                    snapshot.revision = revision;
                    let plan = Plan::new(settings, fetched_at, now, expires, Clocks::draw());
                    return Ok(First { snapshot, plan });
                }
                Err(error) => error,
            },
            Ok(Fetched::Unchanged { .. }) => SourceError::new(
                SourceErrorKind::Invalid,
                "the source answered \"unchanged\" before it delivered a value",
            ),
            Err(error) => error,
        };
        let now = clocks.now();
        if give_up <= now.mono {
            return Err(StartError::of_source(error));
        }
        failures += 1;
        let draw = Clocks::draw();
        let Settings {
            backoff, interval, ..
        } = settings;
        let pause = schedule::after_failure(backoff, interval, failures, &error, None, draw);
        let allowed = fetched_at.mono + interval.min_interval;
        if allowed > give_up {
            sleep_until(give_up).await;
            return Err(StartError::of_source(error));
        }
        select! {
            Ok(()) = hint(source) => sleep_until(allowed).await,
            () = sleep_until((now.mono + pause).min(give_up).max(allowed)) => {}
        }
    }
}
