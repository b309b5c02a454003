//! Virtual time, and a wall clock that tests set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// Lets virtual time pass. Whatever is due meanwhile happens.
pub(crate) async fn pass(time: Duration) {
    sleep(time).await;
}

/// Waits until running work has settled.
///
/// Virtual time waits for work on other threads, so this is enough for an attempt whose source
/// answers at once.
pub(crate) async fn moment() {
    sleep(millis(1)).await;
}

/// Returns whether a condition becomes true before any virtual time passes.
pub(crate) async fn at_once(happened: impl Fn() -> bool) -> bool {
    let now = Instant::now();
    for _ in 0..100 {
        if happened() {
            return now == Instant::now();
        }
        yield_now().await;
    }
    false
}

/// A wall clock that follows virtual time until a test sets it.
#[derive(Clone)]
pub(crate) struct Wall {
    began: Instant,
    ahead: Arc<AtomicI64>,
}

impl Wall {
    /// The first time on the clock, since 1970: a day in 2026.
    pub(crate) const BEGAN: Duration = secs(1_780_000_000);

    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            ahead: Arc::default(),
        }
    }

    /// Sets the clock forward or back by this many seconds.
    pub(crate) fn jump(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> SystemTime {
        let steady = SystemTime::UNIX_EPOCH + Self::BEGAN + self.began.elapsed();
        let ahead = self.ahead.load(Ordering::SeqCst);
        let jump = secs(ahead.unsigned_abs());
        if ahead < 0 {
            steady - jump
        } else {
            steady + jump
        }
    }

    /// Returns a clock for [`tower_rotating_auth::rotating::RotatingBuilder::wall_clock`].
    pub(crate) fn reader(&self) -> impl Fn() -> SystemTime + Send + Sync + 'static {
        let wall = self.clone();
        move || wall.now()
    }
}
