//! What a request costs: this crate beside tower-http's and tower's own middleware, in one run.
//!
//! The cases take turns in each round, so that a machine that changes its pace changes it for all.
//! A figure is the median over the rounds, less that of a service that does nothing. In the columns
//! of two threads, both threads call clones of one service. Allocations are counted, and promised
//! ones asserted.
//!
//! - `cargo bench --bench hot_path` runs everything.
//! - `-- outbound`, `-- streams` or `-- inbound` runs one group.
//! - `-- --quick` checks within a second that everything runs.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run is to stop")]

mod harness;
mod inbound;
mod outbound;
mod streams;

const KEY: &str = "trk_0123456789ab_0123456789abcdefghijklmnopqrstuvwxyz";

fn main() {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let groups: Vec<_> = args.iter().filter(|arg| !arg.starts_with("--")).collect();
    let chosen = |group: &str| groups.is_empty() || groups.iter().any(|chosen| *chosen == group);
    let quick = args.iter().any(|arg| arg == "--quick");
    let rounds = if quick { 20 } else { 2000 };
    let sizes: &[usize] = if quick {
        &[1, 1_000]
    } else {
        &[1, 1_000, 1_000_000]
    };
    if chosen("outbound") {
        outbound::run(rounds);
    }
    if chosen("streams") {
        streams::run(rounds / 10);
    }
    if chosen("inbound") {
        inbound::run(rounds, sizes);
        inbound::flood(rounds);
    }
}
