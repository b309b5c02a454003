//! A scripted source that logs how it is asked.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tower_rotating_auth::{
    rotating::Generation,
    source::{Expiry, Fetch, FetchReason, Fetched, RefreshInterval, Revision, Source, SourceError},
};

/// Creates a source that answers each request with `answer`, and the log of its attempts.
pub(crate) fn script<T: Send + Sync + 'static>(
    answer: impl FnMut(&Asked) -> Answer<T> + Send + 'static,
) -> (Script<T>, Log) {
    let log = Log(Arc::new(Inner {
        began: Instant::now(),
        asked: Mutex::default(),
        running: AtomicUsize::new(0),
        overlapped: AtomicBool::new(false),
        hint: Notify::new(),
        gone: AtomicBool::new(false),
    }));
    let script = Script {
        answer: Box::new(answer),
        log: log.clone(),
        interval: RefreshInterval::default(),
    };
    (script, log)
}

/// One attempt, as the source saw it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The number of the attempt, from 1.
    pub(crate) number: usize,
    /// The time since the script was created.
    pub(crate) at: Duration,
    pub(crate) reason: FetchReason,
    pub(crate) rejected: Option<Generation>,
    pub(crate) revision: Option<Revision>,
}

/// An answer of the script.
pub(crate) struct Answer<T> {
    after: Duration,
    what: What<T>,
}

enum What<T> {
    Says(Result<Fetched<T>, SourceError>),
    Hangs,
    Panics(&'static str),
}

impl<T> Answer<T> {
    pub(crate) const fn value(value: T) -> Self {
        Self::fetched(Fetched::new(value))
    }

    /// Answers with a value that lives for `lifetime` from when it was asked for.
    pub(crate) fn lives(value: T, lifetime: Duration) -> Self {
        Self::fetched(Fetched::new(value).expires(Expiry::In(lifetime)))
    }

    pub(crate) const fn fetched(fetched: Fetched<T>) -> Self {
        Self::new(What::Says(Ok(fetched)))
    }

    pub(crate) const fn unchanged() -> Self {
        Self::fetched(Fetched::unchanged())
    }

    pub(crate) const fn fails(error: SourceError) -> Self {
        Self::new(What::Says(Err(error)))
    }

    pub(crate) fn down() -> Self {
        Self::fails(SourceError::transient("down"))
    }

    pub(crate) const fn hangs() -> Self {
        Self::new(What::Hangs)
    }

    pub(crate) const fn panics(message: &'static str) -> Self {
        Self::new(What::Panics(message))
    }

    /// Delays the answer. Its content is decided when the source is asked.
    pub(crate) const fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    const fn new(what: What<T>) -> Self {
        Self {
            after: Duration::ZERO,
            what,
        }
    }
}

type Answering<T> = Box<dyn FnMut(&Asked) -> Answer<T> + Send>;

pub(crate) struct Script<T> {
    answer: Answering<T>,
    log: Log,
    interval: RefreshInterval,
}

impl<T> Script<T> {
    pub(crate) const fn with_interval(mut self, interval: RefreshInterval) -> Self {
        self.interval = interval;
        self
    }
}

impl<T: Send + Sync + 'static> Source for Script<T> {
    type Value = T;

    async fn fetch(&mut self, ask: Fetch<'_, T>) -> Result<Fetched<T>, SourceError> {
        let _running = self.log.enter();
        let asked = self.log.note(&ask);
        let Answer { after, what } = (self.answer)(&asked);
        if !after.is_zero() {
            sleep(after).await;
        }
        match what {
            What::Says(outcome) => outcome,
            What::Hangs => pending().await,
            // Without the panic hook, which would only add to the output of the tests.
            What::Panics(message) => resume_unwind(Box::new(message)),
        }
    }

    async fn changed(&mut self) {
        self.log.0.hint.notified().await;
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.interval
    }
}

impl<T> Drop for Script<T> {
    fn drop(&mut self) {
        self.log.0.gone.store(true, Ordering::SeqCst);
    }
}

/// The log of a scripted source.
#[derive(Clone)]
pub(crate) struct Log(Arc<Inner>);

struct Inner {
    began: Instant,
    asked: Mutex<Vec<Asked>>,
    running: AtomicUsize,
    overlapped: AtomicBool,
    hint: Notify,
    gone: AtomicBool,
}

impl Log {
    /// Returns all attempts so far. Panics if two ran at a time.
    pub(crate) fn all(&self) -> Vec<Asked> {
        assert!(
            !self.0.overlapped.load(Ordering::SeqCst),
            "two fetches at a time"
        );
        let asked = self.0.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.all().len()
    }

    pub(crate) fn count_for(&self, reason: FetchReason) -> usize {
        self.all().iter().filter(|a| a.reason == reason).count()
    }

    pub(crate) fn last(&self) -> Asked {
        self.all().pop().expect("it was asked")
    }

    pub(crate) fn times(&self) -> Vec<Duration> {
        self.all().iter().map(|asked| asked.at).collect()
    }

    /// Returns the time from each attempt to the next.
    pub(crate) fn gaps(&self) -> Vec<Duration> {
        let times = self.times();
        times.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Returns whether an attempt is running.
    pub(crate) fn running(&self) -> bool {
        self.0.running.load(Ordering::SeqCst) > 0
    }

    /// Returns whether the source was dropped.
    pub(crate) fn gone(&self) -> bool {
        self.0.gone.load(Ordering::SeqCst)
    }

    /// Makes the source hint that its value may have changed.
    pub(crate) fn hint(&self) {
        self.0.hint.notify_one();
    }

    fn note<T>(&self, ask: &Fetch<'_, T>) -> Asked {
        let asked = self.0.asked.lock();
        let mut all = asked.unwrap_or_else(PoisonError::into_inner);
        let asked = Asked {
            number: all.len() + 1,
            at: self.0.began.elapsed(),
            reason: ask.reason,
            rejected: ask.rejected,
            revision: ask.revision.cloned(),
        };
        all.push(asked.clone());
        asked
    }

    fn enter(&self) -> Running {
        if self.0.running.fetch_add(1, Ordering::SeqCst) > 0 {
            self.0.overlapped.store(true, Ordering::SeqCst);
        }
        Running(self.clone())
    }
}

/// A guard that ends with the attempt, even if that is dropped.
struct Running(Log);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
