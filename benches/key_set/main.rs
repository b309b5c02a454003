//! What a key set costs, by how many keys there are: to find a key, to change one, to hold them, to build it.
//!
//! The first tables are of structures that were thought of, each with what a set keeps in it; the others of the
//! crate itself. `docs/key-set.md` has them, and what follows from them.
//!
//! `cargo bench --all-features --bench key_set`; with `-- --quick`, a check that takes a second; with `-- 5000000`,
//! of as many keys.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run is to stop")]

mod measure;
mod ours;
#[path = "../../src/shards.rs"]
#[expect(
    dead_code,
    reason = "the crate's own, of which not everything is measured"
)]
mod shards;
mod structures;

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
        structures::run(keys);
    }
    for &keys in sizes {
        ours::run(keys, if is_quick { 100 } else { 2_000 });
    }
}
