//! Time and randomness, which every decision gets as arguments.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep, sleep_until};

/// The longest sleep until a moment of the wall clock. A timer does not notice that this clock is
/// set, nor that the machine was asleep, so the clock is read again at least this often.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Sleeps until `at` by the wall clock, which reads `now`, but at most [`LONGEST_SLEEP`]; without
/// end if there is no such moment. The caller reads the clock again afterwards.
pub(crate) async fn sleep_toward(at: Option<SystemTime>, now: SystemTime) {
    match at {
        Some(at) => {
            let left = at.duration_since(now).unwrap_or_default();
            sleep(left.min(LONGEST_SLEEP)).await;
        }
        None => pending().await,
    }
}

/// Sleeps until the deadline, without end if there is none.
pub(crate) async fn sleep_until_deadline(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

/// One moment on both clocks.
///
/// The monotonic clock stands still while the machine sleeps. The wall clock jumps when it is set.
/// A deadline has passed when either clock says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) mono: Instant,
    pub(crate) wall: SystemTime,
}

/// A function that reads the wall clock.
pub(crate) type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Both clocks.
#[derive(Clone)]
pub(crate) struct Clocks {
    wall: WallClock,
}

impl Clocks {
    pub(crate) const fn new(wall: WallClock) -> Self {
        Self { wall }
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            mono: Instant::now(),
            wall: self.wall(),
        }
    }

    pub(crate) fn wall(&self) -> SystemTime {
        (self.wall)()
    }

    /// Draws a random number for jitter. Without randomness it is 0.5.
    pub(crate) fn draw() -> Draw {
        Draw(getrandom::u32().map_or(0.5, |random| {
            f64::from(random) / (f64::from(u32::MAX) + 1.0)
        }))
    }
}

/// A random number in `[0, 1)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw(pub(crate) f64);

impl Draw {
    /// Returns the number scaled to `[low, high)`.
    pub(crate) fn between(self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0
    }
}
