//! Key files as people write and mount them, in real time.
//!
//! `.ci/slow files` runs these tests one at a time. They are no part of the default run: they need
//! root, mount namespaces and other programs, and they take minutes. The figures in `docs/costs.md`
//! come from here. These variables set them up:
//!
//! - `ENVOY`, `BAO`, `SOPS`: the programs. They default to `envoy`, `bao` and `sops`.
//! - `ROTATIONS`: how often each way of writing is measured. Defaults to 100.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod envoy;
mod figures;
mod idle;
mod mounts;
mod programs;
mod propagation;
#[path = "../../src/source/file/tests/slow_writer.rs"]
mod slow_writer;
mod streams;
mod support;
mod torn;
