//! The crate itself: a key set, a key ring's state, and a ring that changes keys under readers.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::runtime;
use tower_rotating_auth::{
    Rotating,
    inbound::{ClientId, KeyDigest, KeyRecord, KeySet, Scopes, verify_at},
    keyring::{ClientEntry, KeyEntry, KeyRing, KeyRingState, MemoryStore, RotateRequest},
};

use crate::measure::{Percentiles, count, each, held, medians, percentiles, timed};

/// How often the readers are timed, alone and beside a writer. The median counts, because other
/// programs on the machine push the outer percentiles of some windows up.
const WINDOWS: usize = 20;

fn token(n: usize) -> String {
    format!("trk_{n:012}_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")
}

fn key_set(keys: usize) -> KeySet {
    let records = (0..keys).map(|n| {
        let record = KeyRecord::new(
            format!("{n:012}").parse().unwrap(),
            format!("client-{n}").parse().unwrap(),
            Scopes::default(),
        );
        (KeyDigest::of(token(n).as_bytes()), record)
    });
    KeySet::new(records).unwrap()
}

fn state_of(keys: usize) -> KeyRingState {
    let name = |n: usize| format!("client-{n}").parse().unwrap();
    let now = SystemTime::now();
    KeyRingState::new(
        1,
        (0..keys).map(|n| ClientEntry::new(name(n), Scopes::default())),
        (0..keys).map(|n| {
            let digest = KeyDigest::of(token(n).as_bytes());
            KeyEntry::new(format!("{n:012}").parse().unwrap(), name(n), digest).with_created_at(now)
        }),
    )
    .unwrap()
}

/// Returns tokens that are far apart in the set.
fn sample(keys: usize) -> Vec<String> {
    let step = (keys / 20_000).max(1);
    (0..keys).step_by(step).map(token).collect()
}

/// Returns how long each of many requests takes to find its key.
fn read(keys: &Rotating<KeySet>, tokens: &[String], until: &AtomicBool) -> Percentiles {
    let mut times = Vec::with_capacity(2_000_000);
    for token in tokens.iter().cycle().take(times.capacity()) {
        let (found, time) = timed(|| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
            verify_at(&keys.current(), token.as_bytes(), now).is_ok()
        });
        assert!(found);
        times.push(time);
        if until.load(Ordering::Relaxed) {
            break;
        }
    }
    percentiles(times)
}

/// Runs a reader beside a writer that does `work` so many times; returns the times of both.
fn beside(
    ring: &KeyRing,
    tokens: &[String],
    times: usize,
    mut work: impl FnMut(),
) -> (Percentiles, Percentiles) {
    let (keys, over) = (ring.keys(), AtomicBool::new(false));
    let together = Barrier::new(2);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            together.wait();
            read(&keys, tokens, &over)
        });
        together.wait();
        let taken = (0..times).map(|_| timed(&mut work).1).collect();
        over.store(true, Ordering::Relaxed);
        (reader.join().unwrap(), percentiles(taken))
    })
}

pub(crate) fn run(keys: usize, changes: usize) {
    println!("\n{keys} keys of as many clients");
    let per_key = |bytes: u64| f64::from(u32::try_from(bytes / 1_000).unwrap()) * 1e3 / count(keys);

    let (set, built, bytes) = held(|| key_set(keys));
    let tokens = sample(keys);
    let now = SystemTime::now();
    let unknown: Vec<_> = tokens
        .iter()
        .map(|token| token.replace("trk", "krt"))
        .collect();
    let hit = each(&tokens, |token| {
        verify_at(&set, token.as_bytes(), now).is_ok()
    });
    let miss = each(&unknown, |token| {
        verify_at(&set, token.as_bytes(), now).is_ok()
    });
    let allocations = allocation_counter::measure(|| {
        assert!(verify_at(&set, tokens[0].as_bytes(), now).is_ok());
        assert!(verify_at(&set, unknown[0].as_bytes(), now).is_err());
    });
    assert_eq!(allocations.count_total, 0, "verifying allocates nothing");
    println!(
        "key set: built in {:.0} ms, {:.0} B a key; verify_at {hit:.0} ns, of an unknown token {miss:.0} ns",
        built.as_secs_f64() * 1e3,
        per_key(bytes),
    );
    drop(set);

    let (state, built, bytes) = held(|| state_of(keys));
    println!(
        "key ring state with its key set: built in {:.0} ms, {:.0} B a key",
        built.as_secs_f64() * 1e3,
        per_key(bytes)
    );
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let ring = runtime
        .block_on(KeyRing::start(MemoryStore::new(state)))
        .unwrap();
    let tokens = &tokens[tokens.len() / 2..];
    // The writer rotates clients of the lower half, and the reader reads the upper half.
    let mut rotated = 0;
    let mut rotate = || {
        rotated += 1;
        let client: ClientId = format!("client-{}", rotated * 7 % (keys / 2))
            .parse()
            .unwrap();
        let rotate = RotateRequest::with_grace(client, Duration::from_secs(60));
        runtime.block_on(ring.rotate(rotate)).unwrap();
    };
    let pause = || thread::sleep(Duration::from_millis(1));
    let mut windows = Vec::new();
    for _ in 0..WINDOWS {
        let times = changes / WINDOWS;
        let (alone, _) = beside(&ring, tokens, times, pause);
        let (paced, _) = beside(&ring, tokens, times, || {
            rotate();
            pause();
        });
        let (pressed, writer) = beside(&ring, tokens, 10 * times, &mut rotate);
        windows.push([alone, paced, pressed, writer]);
    }
    let [alone, paced, pressed, writer] = medians(&windows);
    println!("a reader by itself: p50, p99, p99.9 {alone:?} ns");
    println!("… beside a rotation each millisecond: {paced:?} ns");
    println!("… beside rotations without a pause: {pressed:?} ns");
    println!("a rotation, to the task and back: {writer:?} ns");
}
