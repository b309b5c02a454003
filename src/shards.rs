//! A map whose copies share what they have in common: a change copies one shard of 4096.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

/// How many branches a node has; there are two levels of nodes above the shards.
const FAN_OUT: usize = 64;
const BITS: u32 = FAN_OUT.trailing_zeros();

type Shard<K, V> = HashMap<K, V, RandomState>;
type Branches<T> = [Arc<T>; FAN_OUT];

/// A map that is cheap to clone: the clone shares everything, and a change of either copies one shard.
///
/// Where a key lies is decided by a hash under a seed that each process draws for itself, so that nobody
/// outside can tell.
#[derive(Clone)]
pub(crate) struct Shards<K, V> {
    root: Arc<Branches<Branches<Shard<K, V>>>>,
    len: usize,
    hasher: RandomState,
}

impl<K: Clone + Eq + Hash, V: Clone> Shards<K, V> {
    pub(crate) fn new() -> Self {
        let hasher = RandomState::new();
        let shard = Arc::new(HashMap::with_hasher(hasher.clone()));
        let branch = Arc::new(std::array::from_fn(|_| Arc::clone(&shard)));
        Self {
            root: Arc::new(std::array::from_fn(|_| Arc::clone(&branch))),
            len: 0,
            hasher,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let (outer, inner) = self.place(key);
        self.root[outer][inner].get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.get(key)?;
        self.shard(key).get_mut(key)
    }

    /// Puts a value there; what stood there before is returned.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let before = self.shard(&key).insert(key, value);
        self.len += usize::from(before.is_none());
        before
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.get(key)?;
        let removed = self.shard(key).remove(key);
        self.len -= usize::from(removed.is_some());
        removed
    }

    /// The entries, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let shards = self.root.iter().flat_map(|branch| branch.iter());
        shards.flat_map(|shard| shard.iter())
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    fn shard(&mut self, key: &K) -> &mut Shard<K, V> {
        let (outer, inner) = self.place(key);
        let branch = Arc::make_mut(&mut Arc::make_mut(&mut self.root)[outer]);
        Arc::make_mut(&mut branch[inner])
    }

    /// Where a key lies, by bits in the middle of its hash: the shard's own table goes by the others.
    fn place(&self, key: &K) -> (usize, usize) {
        let bits = self.hasher.hash_one(key) >> 32;
        let below = |bits: u64| usize::try_from(bits % FAN_OUT as u64).unwrap_or(0);
        (below(bits >> BITS), below(bits))
    }
}

impl<K: Clone + Eq + Hash, V: Clone + PartialEq> PartialEq for Shards<K, V> {
    /// Looks only at what the two do not share.
    fn eq(&self, other: &Self) -> bool {
        let is_there = |(key, value)| other.get(key) == Some(value);
        let differ = |(ours, theirs): &(&Arc<_>, &Arc<_>)| !Arc::ptr_eq(ours, theirs);
        let mut branches = self
            .root
            .iter()
            .zip(&*other.root)
            .filter(|(a, b)| !Arc::ptr_eq(a, b));
        self.len == other.len
            && branches.all(|(ours, theirs)| {
                let mut shards = ours.iter().zip(&**theirs).filter(differ);
                shards.all(|(shard, _)| shard.iter().all(is_there))
            })
    }
}

impl<K: Clone + Eq + Hash, V: Clone + Eq> Eq for Shards<K, V> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_copy_keeps_what_it_was_whatever_happens_to_the_other(
            steps in proptest::collection::vec((0_u16..300, proptest::option::of(any::<u8>())), 0..200),
            fork in 0_usize..200,
        ) {
            let (mut shards, mut model) = (Shards::new(), BTreeMap::new());
            let mut kept = None;
            for (n, (key, value)) in steps.into_iter().enumerate() {
                if n == fork {
                    kept = Some((shards.clone(), model.clone()));
                }
                match value {
                    Some(value) => prop_assert_eq!(shards.insert(key, value), model.insert(key, value)),
                    None => prop_assert_eq!(shards.remove(&key), model.remove(&key)),
                }
            }
            for (shards, model) in kept.into_iter().chain([(shards, model)]) {
                prop_assert_eq!(shards.len(), model.len());
                prop_assert!((0..300).all(|key| shards.get(&key) == model.get(&key)));
                prop_assert!(shards.iter().all(|(key, value)| model.get(key) == Some(value)));
                let mut again = Shards::new();
                for (key, value) in model {
                    again.insert(key, value);
                }
                prop_assert!(again == shards);
            }
        }
    }
}
