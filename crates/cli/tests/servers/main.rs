//! The gateway between real clients and real servers, and under attack.
//!
//! `.ci/slow gateway` runs these tests. They are no part of the default run, since they need
//! programs and minutes. These variables set them up:
//!
//! - `UPLOADS`: how many uploads each client sends. Defaults to 100.
//! - `ATTACK_SECONDS`: how long each attack lasts. Defaults to 5.
//! - `NGINX`, `HAPROXY`, `NODE`, `PYTHON`, `CURL`: the programs. Default to their names.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod attack;
mod backend;
#[path = "../it/gateway/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "other tests use the rest")]
mod harness;
mod smuggling;
mod uploads;

use std::env;
use std::ffi::OsString;

/// The built program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_rotating-auth");
/// The key of the one client.
const CLIENT: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";

/// Returns the program that a variable names, or the one of that name in lower case.
fn program(variable: &str) -> OsString {
    env::var_os(variable).unwrap_or_else(|| variable.to_lowercase().into())
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}
