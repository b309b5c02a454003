//! The cost of a key set by its size: to find a key, to change one, to hold them, to build it.
//!
//! The first tables compare data structures; the others measure the crate itself. `docs/key-set.md`
//! has the results and the conclusions.
//!
//! Run `cargo bench --all-features --bench key_set`. Add `-- --quick` for a check that takes a
//! second, or `-- 5000000` to measure the crate with as many keys.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run should stop"
)]

mod key_file;
#[path = "../../src/inbound/key/last_use.rs"]
#[expect(
    dead_code,
    reason = "the crate's own file, part of which is not measured"
)]
mod last_use;
mod measure;
mod ours;
#[path = "../../src/shards/map.rs"]
#[expect(
    dead_code,
    reason = "the crate's own file, part of which is not measured"
)]
mod shards;
mod structures;
mod uses;

fn main() {
    let sizes: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let sizes = match (is_quick, &sizes[..]) {
        (true, _) => &[1_000][..],
        (false, []) => &[1_000, 100_000, 1_000_000][..],
        (false, sizes) => sizes,
    };
    for &keys in sizes {
        key_file::run(keys);
    }
    for &keys in sizes.iter().filter(|keys| **keys <= 1_000_000) {
        structures::run(keys);
    }
    uses::run();
    for &keys in sizes {
        ours::run(keys, if is_quick { 100 } else { 2_000 });
    }
}
