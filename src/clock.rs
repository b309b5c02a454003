//! Time and chance: every decision is given them as arguments.

use std::sync::Arc;
use std::time::SystemTime;
use tokio::time::Instant;

/// One moment, read off both clocks.
///
/// The monotonic clock stands still while the machine sleeps; the wall clock jumps when it is set.
/// Whatever is due is due when either says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) mono: Instant,
    pub(crate) wall: SystemTime,
}

pub(crate) type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Time and chance, which only the driver reads; every decision is given them as arguments.
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

    /// Jitter only: without randomness it is the middle.
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
    pub(crate) fn between(self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0
    }
}
