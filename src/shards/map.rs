//! A persistent hash map: clones share what they have in common.
//!
//! A change copies a few small tables, whatever the size of the map.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;

/// The first bit of a hash that branches use.
///
/// A table places an entry by the lowest bits and tags it with the highest seven, so branches use
/// the bits between.
const FIRST_BIT: u32 = 16;
const LAST_BIT: u32 = 56;

/// A map that is cheap to clone.
///
/// A clone shares everything. A change of either copies one table of at most `LEAF` entries and the
/// branches above it, each with `FAN_OUT` arms. A map of up to `LEAF` entries is a single table.
/// `docs/key-set.md` says how both numbers were chosen.
///
/// Each map hashes with a random seed of its own, so that nobody outside can choose colliding keys.
#[derive(Clone)]
pub(crate) struct Shards<K, V, const FAN_OUT: usize = 32, const LEAF: usize = 128> {
    root: Node<K, V, FAN_OUT>,
    len: usize,
    hasher: RandomState,
}

#[derive(Clone)]
enum Node<K, V, const FAN_OUT: usize> {
    Branch(Arc<[Self; FAN_OUT]>),
    Leaf(Arc<HashTable<(K, V)>>),
}

impl<K, V, const FAN_OUT: usize, const LEAF: usize> Shards<K, V, FAN_OUT, LEAF>
where
    K: Clone + Eq + Hash,
    V: Clone,
{
    pub(crate) fn new() -> Self {
        Self {
            root: Node::Leaf(Arc::default()),
            len: 0,
            hasher: RandomState::new(),
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let hash = self.hasher.hash_one(key);
        let (mut node, mut bit) = (&self.root, FIRST_BIT);
        loop {
            match node {
                Node::Branch(arms) => {
                    node = &arms[arm::<FAN_OUT>(hash, bit)];
                    bit += FAN_OUT.ilog2();
                }
                Node::Leaf(table) => {
                    let found = table.find(hash, |(other, _)| other == key);
                    return found.map(|(_, value)| value);
                }
            }
        }
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.get(key)?;
        let hash = self.hasher.hash_one(key);
        let table = self.root.table_mut(hash, FIRST_BIT);
        let found = table.find_mut(hash, |(other, _)| other == key);
        found.map(|(_, value)| value)
    }

    /// Inserts a value and returns the one that it replaced.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let hash = self.hasher.hash_one(&key);
        let hasher = |(key, _): &(K, V)| self.hasher.hash_one(key);
        let before = self
            .root
            .insert::<LEAF>(hash, FIRST_BIT, key, value, &hasher);
        self.len += usize::from(before.is_none());
        before
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.get(key)?;
        let hash = self.hasher.hash_one(key);
        let table = self.root.table_mut(hash, FIRST_BIT);
        let found = table.find_entry(hash, |(other, _)| other == key).ok()?;
        let ((_, value), _) = found.remove();
        self.len -= 1;
        Some(value)
    }

    /// Returns the entries, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut tables = Vec::new();
        self.root.collect(&mut tables);
        let entries = tables.into_iter().flat_map(HashTable::iter);
        entries.map(|(key, value)| (key, value))
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Clone + Eq, V: Clone, const FAN_OUT: usize> Node<K, V, FAN_OUT> {
    /// Returns the table of a hash, copied first if another map shares it.
    fn table_mut(&mut self, hash: u64, bit: u32) -> &mut HashTable<(K, V)> {
        match self {
            Self::Branch(arms) => {
                let arm = &mut Arc::make_mut(arms)[arm::<FAN_OUT>(hash, bit)];
                arm.table_mut(hash, bit + FAN_OUT.ilog2())
            }
            Self::Leaf(table) => Arc::make_mut(table),
        }
    }

    fn insert<const LEAF: usize>(
        &mut self,
        hash: u64,
        bit: u32,
        key: K,
        value: V,
        hasher: &impl Fn(&(K, V)) -> u64,
    ) -> Option<V> {
        let table = match self {
            Self::Branch(arms) => {
                let arm = &mut Arc::make_mut(arms)[arm::<FAN_OUT>(hash, bit)];
                return arm.insert::<LEAF>(hash, bit + FAN_OUT.ilog2(), key, value, hasher);
            }
            Self::Leaf(table) => Arc::make_mut(table),
        };
        if let Some((_, there)) = table.find_mut(hash, |(other, _)| *other == key) {
            return Some(std::mem::replace(there, value));
        }
        table.insert_unique(hash, (key, value), hasher);
        if table.len() > LEAF && bit + FAN_OUT.ilog2() <= LAST_BIT {
            let entries = std::mem::take(table);
            let mut arms: [HashTable<_>; FAN_OUT] = std::array::from_fn(|_| HashTable::new());
            for entry in entries {
                let hash = hasher(&entry);
                arms[arm::<FAN_OUT>(hash, bit)].insert_unique(hash, entry, hasher);
            }
            *self = Self::Branch(Arc::new(arms.map(|table| Self::Leaf(Arc::new(table)))));
        }
        None
    }

    fn collect<'a>(&'a self, tables: &mut Vec<&'a HashTable<(K, V)>>) {
        match self {
            Self::Branch(arms) => arms.iter().for_each(|arm| arm.collect(tables)),
            Self::Leaf(table) => tables.push(table),
        }
    }

    /// Returns whether `is_there` holds for all entries that the two do not share.
    fn agrees(&self, other: &Self, is_there: &impl Fn(&(K, V)) -> bool) -> bool {
        match (self, other) {
            (Self::Branch(ours), Self::Branch(theirs)) => {
                let mut arms = ours.iter().zip(theirs.iter());
                Arc::ptr_eq(ours, theirs) || arms.all(|(a, b)| a.agrees(b, is_there))
            }
            (Self::Leaf(ours), Self::Leaf(theirs)) if Arc::ptr_eq(ours, theirs) => true,
            (ours, _) => {
                let mut tables = Vec::new();
                ours.collect(&mut tables);
                tables.into_iter().flat_map(HashTable::iter).all(is_there)
            }
        }
    }
}

/// Returns the arm of a branch for a hash.
const fn arm<const FAN_OUT: usize>(hash: u64, bit: u32) -> usize {
    // The remainder comes first, so that the cast is exact on 32-bit targets as well.
    #[expect(clippy::cast_possible_truncation, reason = "a number below FAN_OUT")]
    let arm = ((hash >> bit) % FAN_OUT as u64) as usize;
    arm
}

impl<K, V, const FAN_OUT: usize, const LEAF: usize> PartialEq for Shards<K, V, FAN_OUT, LEAF>
where
    K: Clone + Eq + Hash,
    V: Clone + PartialEq,
{
    /// Compares only what the two do not share.
    fn eq(&self, other: &Self) -> bool {
        let is_there = |(key, value): &(K, V)| other.get(key) == Some(value);
        self.len == other.len && self.root.agrees(&other.root, &is_there)
    }
}

impl<K, V, const FAN_OUT: usize, const LEAF: usize> Eq for Shards<K, V, FAN_OUT, LEAF>
where
    K: Clone + Eq + Hash,
    V: Clone + Eq,
{
}
