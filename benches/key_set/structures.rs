//! Structures that a key set could be made of, with what it keeps in them.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use rpds::HashTrieMapSync;
use tower_rotating_auth::{KeyDigest, KeyRecord, Scopes};

use crate::measure::{count, each, held};
use crate::shards::Shards;

type Record = Arc<KeyRecord>;

trait Structure: Clone {
    /// How many changes are timed.
    const CHANGES: usize = 2_000;

    fn new() -> Self;
    fn put(&mut self, digest: KeyDigest, record: Record);
    fn find(&self, digest: &KeyDigest) -> Option<&Record>;
}

/// One map, copied whole.
#[derive(Clone)]
struct One(Arc<HashMap<KeyDigest, Record>>);

impl Structure for One {
    const CHANGES: usize = 3;

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

/// So many maps, of which one is copied, and the list of them.
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

/// Digests in an order of their own, the same for each structure.
fn digests(keys: usize, of: &str) -> Vec<KeyDigest> {
    (0..keys)
        .map(|n| KeyDigest::of(format!("{of}{n}").as_bytes()))
        .collect()
}

fn row<S: Structure>(name: &str, digests: &[KeyDigest]) {
    let record = KeyRecord::new(
        "0123456789AB".parse().unwrap(),
        "client".parse().unwrap(),
        Scopes::default(),
    );
    // The records are not the structure's own.
    let records: Vec<Record> = digests.iter().map(|_| Arc::new(record.clone())).collect();
    let (mut set, built, bytes) = held(|| {
        let mut set = S::new();
        for (digest, record) in digests.iter().zip(&records) {
            set.put(*digest, Arc::clone(record));
        }
        set
    });
    // Each where another look-up does not help: far apart, and each once in a round.
    let step = (digests.len() / 20_000).max(1);
    let sample: Vec<_> = digests.iter().step_by(step).copied().collect();
    let misses = self::digests(sample.len(), "nobody");
    let hit = each(&sample, |digest| set.find(digest).is_some());
    let miss = each(&misses, |digest| set.find(digest).is_some());
    let changes = &sample[..sample.len().min(S::CHANGES)];
    let change = each(changes, |digest| {
        // A reader has the one before.
        let before = set.clone();
        set.put(*digest, Arc::clone(&records[0]));
        before
    });
    println!(
        "{name:28} {hit:>8.0} ns {miss:>8.0} ns {:>10.1} µs {:>8.0} B {:>9.0} ms",
        change / 1e3,
        f64::from(u32::try_from(bytes / 1_000).unwrap_or(u32::MAX)) * 1e3 / count(digests.len()),
        built.as_secs_f64() * 1e3,
    );
}

pub(crate) fn run(keys: usize) {
    println!(
        "\n{:28} {:>11} {:>11} {:>13} {:>10} {:>12}",
        format!("{keys} keys"),
        "found",
        "not found",
        "one change",
        "a key",
        "built"
    );
    let digests = digests(keys, "key");
    row::<One>("one map, copied whole", &digests);
    row::<Flat<256>>("256 maps", &digests);
    row::<Flat<4096>>("4096 maps", &digests);
    row::<HashTrieMapSync<_, _>>("rpds::HashTrieMap", &digests);
    row::<Shards<_, _, 64, 256>>("64 arms, leaves of 256", &digests);
    row::<Shards<_, _, 32, 128>>("32 arms, leaves of 128", &digests);
    row::<Shards<_, _, 16, 256>>("16 arms, leaves of 256", &digests);
    row::<Shards<_, _, 16, 128>>("16 arms, leaves of 128", &digests);
    row::<Shards<_, _, 16, 64>>("16 arms, leaves of 64", &digests);
}
