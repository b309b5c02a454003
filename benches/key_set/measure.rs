//! Measuring times, and the bytes that a value holds.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

/// Returns the result of `work` and the time it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = SystemTime::now();
    let made = work();
    (made, start.elapsed().unwrap_or_default())
}

/// Returns a value, the time it took to make, and the bytes that it has allocated.
pub(crate) fn held<T>(make: impl FnOnce() -> T) -> (T, Duration, u64) {
    let mut made = None;
    let info = allocation_counter::measure(|| made = Some(timed(make)));
    let (made, time) = made.unwrap();
    (made, time, u64::try_from(info.bytes_current).unwrap_or(0))
}

/// Returns nanoseconds for each item, in the best of twenty rounds.
pub(crate) fn each<T, R>(items: &[T], mut work: impl FnMut(&T) -> R) -> f64 {
    (0..20)
        .map(|_| {
            let ((), time) = timed(|| {
                for item in items {
                    black_box(work(item));
                }
            });
            time.as_secs_f64() * 1e9 / count(items.len())
        })
        .fold(f64::INFINITY, f64::min)
}

/// The 50th, 99th and 99.9th percentile, in nanoseconds.
pub(crate) type Percentiles = [u128; 3];

pub(crate) fn percentiles(mut times: Vec<Duration>) -> Percentiles {
    times.sort_unstable();
    let at = |thousandths: usize| {
        let position = times.len() * thousandths / 1_000;
        times[position.min(times.len() - 1)].as_nanos()
    };
    [at(500), at(990), at(999)]
}

/// Returns the median of each percentile of each column.
pub(crate) fn medians<const N: usize>(windows: &[[Percentiles; N]]) -> [Percentiles; N] {
    std::array::from_fn(|column| {
        std::array::from_fn(|percentile| {
            let mut times: Vec<_> = windows.iter().map(|row| row[column][percentile]).collect();
            times.sort_unstable();
            times[times.len() / 2]
        })
    })
}

pub(crate) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
