//! A map whose copies share what they have in common: a change copies a few small tables, whatever the size.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;

/// The lowest bits of a hash place an entry in its table, and the highest seven mark it there: branches go by
/// those between.
const FIRST_BIT: u32 = 16;
const LAST_BIT: u32 = 56;

/// A map that is cheap to clone: the clone shares everything, and a change of either copies one table of at most
/// `LEAF` entries and the branches above it, each with `FAN_OUT` arms. A map of no more than `LEAF` entries is one
/// table. `docs/key-set.md` says how both were chosen.
///
/// Where an entry lies is decided by a hash under a seed that is drawn for each map, so that nobody outside can
/// tell.
#[derive(Clone)]
pub(crate) struct Shards<K, V, const FAN_OUT: usize = 16, const LEAF: usize = 128> {
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

    /// Puts a value there; what stood there before is returned.
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

    /// The entries, in no order.
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
    /// The table that a hash belongs to, for nobody but this map.
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

    /// Whether the two share, or all entries that they do not share are ones that `is_there` knows.
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

/// Which arm of a branch a hash belongs to.
const fn arm<const FAN_OUT: usize>(hash: u64, bit: u32) -> usize {
    // Cut to fewer than 64 bits before it is, whatever a pointer has.
    #[expect(clippy::cast_possible_truncation, reason = "a number below FAN_OUT")]
    let arm = ((hash >> bit) % FAN_OUT as u64) as usize;
    arm
}

impl<K, V, const FAN_OUT: usize, const LEAF: usize> PartialEq for Shards<K, V, FAN_OUT, LEAF>
where
    K: Clone + Eq + Hash,
    V: Clone + PartialEq,
{
    /// Looks only at what the two do not share.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Small tables, so that there are branches on several levels.
    type Small<K, V> = Shards<K, V, 4, 3>;

    /// A number whose hash says little, so that tables cannot be split as they should.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Alike(u16);

    impl Hash for Alike {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            state.write_u16(self.0 % 4);
        }
    }

    fn same_as_a_map<K>(steps: Vec<(K, Option<u8>)>, fork: usize) -> Result<(), TestCaseError>
    where
        K: Clone + Eq + Hash + Ord + std::fmt::Debug,
    {
        let (mut shards, mut model) = (Small::new(), BTreeMap::new());
        let mut kept = None;
        let keys: Vec<_> = steps.iter().map(|(key, _)| key.clone()).collect();
        for (n, (key, value)) in steps.into_iter().enumerate() {
            if n == fork {
                kept = Some((shards.clone(), model.clone()));
            }
            match value {
                Some(value) if value % 4 == 0 => {
                    let (ours, theirs) = (shards.get_mut(&key), model.get_mut(&key));
                    prop_assert_eq!(&ours, &theirs);
                    if let (Some(ours), Some(theirs)) = (ours, theirs) {
                        (*ours, *theirs) = (value, value);
                    }
                }
                Some(value) => {
                    let before = shards.insert(key.clone(), value);
                    prop_assert_eq!(before, model.insert(key, value));
                }
                None => prop_assert_eq!(shards.remove(&key), model.remove(&key)),
            }
            if let Some((kept, model_kept)) = &kept {
                prop_assert_eq!(*kept == shards, *model_kept == model);
            }
        }
        for (shards, model) in kept.into_iter().chain([(shards, model)]) {
            prop_assert_eq!(shards.len(), model.len());
            prop_assert_eq!(shards.iter().count(), model.len());
            prop_assert!(keys.iter().all(|key| shards.get(key) == model.get(key)));
            let mut again = Small::new();
            for (key, value) in model {
                again.insert(key, value);
            }
            prop_assert!(again == shards);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_copy_keeps_what_it_was_whatever_happens_to_the_other(
            steps in vec((0_u16..300, proptest::option::weighted(0.7, any::<u8>())), 0..300),
            fork in 0_usize..300,
        ) {
            same_as_a_map(steps, fork)?;
        }

        #[test]
        fn hashes_that_are_alike_cost_time_and_nothing_else(
            steps in vec(((0_u16..60).prop_map(Alike), proptest::option::weighted(0.7, any::<u8>())), 0..100),
            fork in 0_usize..100,
        ) {
            same_as_a_map(steps, fork)?;
        }
    }
}
