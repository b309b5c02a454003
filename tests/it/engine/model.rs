//! Random scripts against a model of the engine's promises.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::model::{Op, Setup, check};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn engine_keeps_its_promises(
        setup in any::<u8>().prop_map(Setup::decode),
        ops in vec(any::<[u8; 2]>().prop_map(Op::decode), 0..60),
    ) {
        check(setup, &ops);
    }
}
