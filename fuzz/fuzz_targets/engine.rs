//! The engine under random scripts, against a model of what it promises.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/support/model/mod.rs"]
mod model;

/// Any bytes are a script.
#[derive(Arbitrary, Debug)]
struct Script {
    setup: u8,
    ops: Vec<[u8; 2]>,
}

fuzz_target!(|script: Script| {
    let ops: Vec<_> = script.ops.into_iter().map(model::Op::decode).collect();
    model::check(model::Setup::decode(script.setup), &ops);
});
