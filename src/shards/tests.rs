//! Tests of the map against `BTreeMap`.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use proptest::collection::vec;
use proptest::prelude::*;

use super::map::Shards;

/// A map with small tables, so that it has branches on several levels.
type Small<K, V> = Shards<K, V, 4, 3>;

/// A number with few different hashes, so that tables cannot be split well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Alike(u16);

impl Hash for Alike {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u16(self.0 % 4);
    }
}

fn behaves_like_btree_map<K>(steps: Vec<(K, Option<u8>)>, fork: usize) -> Result<(), TestCaseError>
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
    fn clones_are_independent(
        steps in vec((0_u16..300, proptest::option::weighted(0.7, any::<u8>())), 0..300),
        fork in 0_usize..300,
    ) {
        behaves_like_btree_map(steps, fork)?;
    }

    #[test]
    fn colliding_hashes_stay_correct(
        steps in vec(((0_u16..60).prop_map(Alike), proptest::option::weighted(0.7, any::<u8>())), 0..100),
        fork in 0_usize..100,
    ) {
        behaves_like_btree_map(steps, fork)?;
    }
}
