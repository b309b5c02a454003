//! The cost of noting that a key was used, on one thread and on two that use the same key.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::SystemTime;

use crate::last_use::LastUse;
use crate::measure::{count, timed};

/// How often each thread notes a use in a round, and how many rounds there are.
const NOTES: usize = 20_000;
const ROUNDS: usize = 400;

/// A record as far as it matters here: a field that requests read, next to one that they write.
struct Record {
    not_after: AtomicU64,
    once: LastUse,
    always: AtomicU64,
}

/// Returns nanoseconds for each note of the slower thread, in the median round.
fn each(threads: usize, note: &(dyn Fn() + Sync)) -> f64 {
    let together = Barrier::new(threads);
    let one = || {
        together.wait();
        let ((), time) = timed(|| (0..NOTES).for_each(|_| note()));
        time.as_secs_f64() * 1e9 / count(NOTES)
    };
    let round = || {
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
            let times = running.into_iter().map(|thread| thread.join().unwrap());
            times.fold(0.0, f64::max)
        })
    };
    let mut rounds: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort_unstable_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

pub(crate) fn run() {
    let record = Record {
        not_after: AtomicU64::new(1),
        once: LastUse::new(),
        always: AtomicU64::new(0),
    };
    let now = SystemTime::now();
    let once = || {
        black_box(record.not_after.load(Ordering::Relaxed));
        record.once.note(black_box(now));
    };
    let always = || {
        black_box(record.not_after.load(Ordering::Relaxed));
        let since = black_box(now).duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.unwrap_or_default().as_secs();
        record.always.store(seconds, Ordering::Relaxed);
    };
    let cases: [(_, &(dyn Fn() + Sync)); 2] =
        [("once a minute", &once), ("for each request", &always)];
    println!(
        "\n{:26} {:>11} {:>11}",
        "a use noted", "1 thread", "2 threads"
    );
    for (name, note) in cases {
        let [one, two] = [1, 2].map(|threads| each(threads, note));
        println!("{name:26} {one:>8.0} ns {two:>8.0} ns");
    }
}
