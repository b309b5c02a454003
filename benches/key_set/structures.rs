//! Data structures that a key set could use, with the entries of a key set.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use rpds::HashTrieMapSync;
use tower_rotating_auth::inbound::{KeyDigest, KeyRecord, Scopes};

use crate::measure::{count, held, timed};
use crate::shards::Shards;

type Record = Arc<KeyRecord>;

trait Structure: Clone {
    /// The number of changes that are timed.
    const CHANGES: usize = CHANGES;

    fn new() -> Self;
    fn put(&mut self, digest: KeyDigest, record: Record);
    fn find(&self, digest: &KeyDigest) -> Option<&Record>;
}

/// One map that a change copies whole.
#[derive(Clone)]
struct One(Arc<HashMap<KeyDigest, Record>>);

impl Structure for One {
    const CHANGES: usize = 1;

    fn new() -> Self {
        Self(Arc::default())
    }

    fn put(&mut self, digest: KeyDigest, record: Record) {
        Arc::make_mut(&mut self.0).insert(digest, record);
    }

    fn find(&self, digest: &KeyDigest) -> Option<&Record> {
        self.0.get(digest)
    }
}

/// `N` maps in a list. A change copies one map and the list.
#[derive(Clone)]
struct Flat<const N: usize> {
    maps: Arc<Vec<One>>,
    hasher: RandomState,
}

impl<const N: usize> Flat<N> {
    fn place(&self, digest: &KeyDigest) -> usize {
        usize::try_from((self.hasher.hash_one(digest) >> 32) % N as u64).unwrap()
    }
}

impl<const N: usize> Structure for Flat<N> {
    fn new() -> Self {
        Self {
            maps: Arc::new(vec![One::new(); N]),
            hasher: RandomState::new(),
        }
    }

    fn put(&mut self, digest: KeyDigest, record: Record) {
        let place = self.place(&digest);
        Arc::make_mut(&mut self.maps)[place].put(digest, record);
    }

    fn find(&self, digest: &KeyDigest) -> Option<&Record> {
        self.maps[self.place(digest)].find(digest)
    }
}

impl<const FAN_OUT: usize, const LEAF: usize> Structure
    for Shards<KeyDigest, Record, FAN_OUT, LEAF>
{
    fn new() -> Self {
        Self::new()
    }

    fn put(&mut self, digest: KeyDigest, record: Record) {
        self.insert(digest, record);
    }

    fn find(&self, digest: &KeyDigest) -> Option<&Record> {
        self.get(digest)
    }
}

impl Structure for HashTrieMapSync<KeyDigest, Record> {
    fn new() -> Self {
        Self::new_sync()
    }

    fn put(&mut self, digest: KeyDigest, record: Record) {
        self.insert_mut(digest, record);
    }

    fn find(&self, digest: &KeyDigest) -> Option<&Record> {
        self.get(digest)
    }
}

/// Returns digests, in the same order for each structure.
fn digests(keys: usize, of: &str) -> Vec<KeyDigest> {
    (0..keys)
        .map(|n| KeyDigest::of(format!("{of}{n}").as_bytes()))
        .collect()
}

/// A structure that holds keys, measured beside others.
struct Candidate<S> {
    name: &'static str,
    set: S,
    record: Record,
    built: Duration,
    bytes: u64,
}

trait Measured {
    fn find_all(&self, digests: &[KeyDigest]) -> Duration;
    /// Changes one key after the other, while a reader holds the set before each change.
    fn change_all(&mut self, digests: &[KeyDigest]) -> Duration;
    fn print(&self, keys: usize, found: f64, not_found: f64, change: f64);
}

impl<S: Structure> Candidate<S> {
    fn new(name: &'static str, digests: &[KeyDigest], records: &[Record]) -> Self {
        let (set, built, bytes) = held(|| {
            let mut set = S::new();
            for (digest, record) in digests.iter().zip(records) {
                set.put(*digest, Arc::clone(record));
            }
            set
        });
        Self {
            name,
            set,
            record: Arc::clone(&records[0]),
            built,
            bytes,
        }
    }
}

impl<S: Structure> Measured for Candidate<S> {
    fn find_all(&self, digests: &[KeyDigest]) -> Duration {
        let find = || {
            for digest in digests {
                black_box(self.set.find(digest).is_some());
            }
        };
        timed(find).1
    }

    fn change_all(&mut self, digests: &[KeyDigest]) -> Duration {
        let change = || {
            for digest in &digests[..digests.len().min(S::CHANGES)] {
                let before = self.set.clone();
                self.set.put(*digest, Arc::clone(&self.record));
                drop(black_box(before));
            }
        };
        let changes = u32::try_from(digests.len().min(S::CHANGES)).unwrap();
        timed(change).1 / changes
    }

    fn print(&self, keys: usize, found: f64, not_found: f64, change: f64) {
        println!(
            "{:26} {found:>8.0} ns {not_found:>8.0} ns {:>10.1} µs {:>8.0} B {:>9.0} ms",
            self.name,
            change / 1e3,
            f64::from(u32::try_from(self.bytes / 1_000).unwrap_or(u32::MAX)) * 1e3 / count(keys),
            self.built.as_secs_f64() * 1e3,
        );
    }
}

/// How often each is measured. The best round counts.
const ROUNDS: usize = 40;
/// How many look-ups, far apart, and changes there are in a round.
const LOOK_UPS: usize = 2_000;
const CHANGES: usize = 100;

pub(crate) fn run(keys: usize) {
    println!(
        "\n{:26} {:>11} {:>11} {:>13} {:>10} {:>12}",
        format!("{keys} keys"),
        "found",
        "not found",
        "one change",
        "a key",
        "built"
    );
    let digests = digests(keys, "key");
    let record = KeyRecord::new(
        "0123456789AB".parse().unwrap(),
        "client".parse().unwrap(),
        Scopes::default(),
    );
    // The records are shared, so that only the structure's own memory counts.
    let records: Vec<_> = digests.iter().map(|_| Arc::new(record.clone())).collect();
    let (of, with) = (&digests[..], &records[..]);
    let mut candidates: Vec<Box<dyn Measured>> = vec![
        Box::new(Candidate::<One>::new("one map, copied whole", of, with)),
        Box::new(Candidate::<Flat<256>>::new("256 maps", of, with)),
        Box::new(Candidate::<Flat<4096>>::new("4096 maps", of, with)),
        Box::new(Candidate::<HashTrieMapSync<_, _>>::new(
            "rpds::HashTrieMap",
            of,
            with,
        )),
        Box::new(Candidate::<Shards<_, _, 64, 256>>::new(
            "64 arms, tables of 256",
            of,
            with,
        )),
        Box::new(Candidate::<Shards<_, _, 32, 128>>::new(
            "32 arms, tables of 128",
            of,
            with,
        )),
        Box::new(Candidate::<Shards<_, _, 16, 256>>::new(
            "16 arms, tables of 256",
            of,
            with,
        )),
        Box::new(Candidate::<Shards<_, _, 16, 128>>::new(
            "16 arms, tables of 128",
            of,
            with,
        )),
        Box::new(Candidate::<Shards<_, _, 16, 64>>::new(
            "16 arms, tables of 64",
            of,
            with,
        )),
    ];
    let misses = self::digests(LOOK_UPS, "nobody");
    let mut best = vec![[f64::INFINITY; 3]; candidates.len()];
    for round in 0..ROUNDS {
        // Other keys in each round, so that no look-up finds its key in a cache.
        let nth = |n: usize| digests[(n * 7919 + round * 104_729) % keys];
        let hits: Vec<_> = (0..LOOK_UPS).map(nth).collect();
        for (candidate, best) in candidates.iter_mut().zip(&mut best) {
            let each = |time: Duration| time.as_secs_f64() * 1e9 / count(LOOK_UPS);
            let found = each(candidate.find_all(&hits));
            let not_found = each(candidate.find_all(&misses));
            let change = candidate.change_all(&hits[..CHANGES]).as_secs_f64() * 1e9;
            for (best, time) in best.iter_mut().zip([found, not_found, change]) {
                *best = best.min(time);
            }
        }
    }
    for (candidate, [found, not_found, change]) in candidates.iter().zip(best) {
        candidate.print(keys, found, not_found, change);
    }
}
