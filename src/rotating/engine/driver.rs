//! The refresh task: a thin loop around the plan.

use std::future::Future;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::select;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::attempt::{ask, compare, usable};
use super::command::Command;
use super::plan::{Plan, Settings, Step};
use super::schedule;
use super::state::Desk;
pub(crate) use crate::clock::Clocks;
use crate::clock::sleep_until_deadline;
use crate::rotating::error::StartError;
use crate::rotating::shared::Parts;
use crate::rotating::status::Progress;
use crate::rotating::value::Snapshot;
use crate::source::LONGEST;
use crate::source::{Fetch, FetchReason, Fetched, Source};
use crate::source::{SourceError, SourceErrorKind};

/// The refresh task of one rotating value.
pub(crate) struct Driver<S: Source> {
    source: S,
    hearing: Hearing,
    desk: Desk<S::Value>,
    inbox: mpsc::UnboundedReceiver<Command<S::Value>>,
    fetch_timeout: Duration,
}

/// Whether the source's hints are listened to; not between a panic in one and the next attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hearing {
    On,
    Off,
}

impl<S: Source<Value: PartialEq>> Driver<S> {
    pub(crate) fn new(
        source: S,
        parts: Parts<S::Value>,
        plan: Plan,
        fetch_timeout: Duration,
        clocks: Clocks,
        inbox: mpsc::UnboundedReceiver<Command<S::Value>>,
        progress: watch::Sender<Progress>,
    ) -> Self {
        Self {
            source,
            hearing: Hearing::On,
            desk: Desk::new(parts, plan, clocks, progress),
            inbox,
            fetch_timeout,
        }
    }

    /// Runs until the last handle is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            self.serve_all();
            self.desk.let_go();
            let done = match self.desk.next_step() {
                Step::Ask(reason) => self.attempt(reason).await,
                Step::SleepUntil(at) => self.wait(at).await,
            };
            if done.is_break() {
                return;
            }
        }
    }

    /// An attempt is for all who have asked before it starts.
    fn serve_all(&mut self) {
        for _ in 0..self.inbox.len() {
            if let Ok(command) = self.inbox.try_recv() {
                self.desk.serve(command);
            }
        }
    }

    async fn wait(&mut self, until: Instant) -> ControlFlow<()> {
        let listen = self.hearing == Hearing::On && self.desk.wants_hint();
        select! {
            biased;
            command = self.inbox.recv() => match command {
                Some(command) => self.desk.serve(command),
                None => return ControlFlow::Break(()),
            },
            heard = hint(&mut self.source), if listen => match heard {
                Ok(()) => self.desk.hint(),
                Err(Deaf) => self.hearing = Hearing::Off,
            },
            () = sleep_until(until) => {}
        }
        ControlFlow::Continue(())
    }

    /// Asks the source; meanwhile commands are served and waits end in time.
    async fn attempt(&mut self, reason: FetchReason) -> ControlFlow<()> {
        let (asked, current) = self.desk.start();
        let outcome = {
            let clocks = self.desk.clocks().clone();
            let fetch = Fetch {
                reason,
                rejected: (reason == FetchReason::Rejected).then_some(current.content.generation),
                revision: current.revision.as_ref(),
                current: Some(&current.content.value),
            };
            let mut attempt = pin!(async {
                let fetched = ask(&mut self.source, fetch, self.fetch_timeout).await?;
                compare(fetched, &current, asked, &clocks, self.fetch_timeout).await
            });
            loop {
                let round_ends = self.desk.round_ends();
                select! {
                    biased;
                    outcome = &mut attempt => break outcome,
                    () = sleep_until_deadline(round_ends) => self.desk.end_round_if_due(),
                    command = self.inbox.recv() => match command {
                        Some(command) => self.desk.serve(command),
                        None => return ControlFlow::Break(()),
                    },
                }
            }
        };
        self.hearing = Hearing::On;
        self.desk.finish(reason, asked, &current, outcome);
        ControlFlow::Continue(())
    }
}

/// The source's `changed` panicked.
struct Deaf;

fn hint<S: Source>(source: &mut S) -> impl Future<Output = Result<(), Deaf>> + Send {
    AssertUnwindSafe(async { source.changed().await })
        .catch_unwind()
        .map(|heard| {
            heard.map_err(|_panic| {
                tracing::error!("a source panicked while it waited for changes");
                Deaf
            })
        })
}

/// The first value, and the plan from there.
pub(crate) struct First<T> {
    pub(crate) snapshot: Snapshot<T>,
    pub(crate) plan: Plan,
}

/// Asks for the first value, for as long as it may take.
pub(crate) async fn first<S: Source>(
    source: &mut S,
    settings: Settings,
    fetch_timeout: Duration,
    wait: Duration,
    clocks: &Clocks,
) -> Result<First<S::Value>, StartError> {
    // The wall clock may be set for the first time meanwhile: it is no measure of a wait.
    let give_up = Instant::now() + wait.min(LONGEST);
    let mut failures = 0;
    loop {
        let asked = clocks.now();
        let fetch = Fetch {
            reason: FetchReason::Start,
            rejected: None,
            revision: None,
            current: None,
        };
        let error = match ask(source, fetch, fetch_timeout).await {
            Ok(Fetched::Value {
                value,
                revision,
                expires_at,
            }) => match usable(expires_at, asked, clocks.now()) {
                Ok(expires) => {
                    let now = clocks.now();
                    let mut snapshot = Snapshot::first(value, asked, expires);
                    snapshot.revision = revision;
                    let plan = Plan::new(settings, asked, now, expires, Clocks::draw());
                    return Ok(First { snapshot, plan });
                }
                Err(error) => error,
            },
            Ok(Fetched::Unchanged { .. }) => SourceError::new(
                SourceErrorKind::Invalid,
                "the source says \"unchanged\" before it has delivered anything",
            ),
            Err(error) => error,
        };
        let now = clocks.now();
        if give_up <= now.mono {
            return Err(StartError::Source(error));
        }
        failures += 1;
        let draw = Clocks::draw();
        let Settings { backoff, pace, .. } = settings;
        let pause = schedule::after_failure(backoff, pace, failures, &error, None, draw);
        let allowed = asked.mono + pace.min_interval;
        if allowed > give_up {
            sleep_until(give_up).await;
            return Err(StartError::Source(error));
        }
        select! {
            Ok(()) = hint(source) => sleep_until(allowed).await,
            () = sleep_until((now.mono + pause).min(give_up).max(allowed)) => {}
        }
    }
}
