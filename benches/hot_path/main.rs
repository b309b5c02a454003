//! What a request pays for keys that rotate: beside tower-http's and tower's own middleware, in one run.
//!
//! Cases are interleaved in rounds, so that a machine that changes its pace changes it for all; the
//! figure is the median over the rounds, less that of a service that does nothing. Allocations are
//! counted, and those that are promised are asserted.
//!
//! `cargo bench --bench hot_path`, or with `-- --quick` for a check that takes a second.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run is to stop")]

mod harness;
mod inbound;
mod outbound;
mod streams;

const KEY: &str = "trk_0123456789ab_0123456789abcdefghijklmnopqrstuvwxyz";

fn main() {
    if std::env::args().any(|arg| arg == "--quick") {
        outbound::run(20);
        inbound::run(20, &[1, 1_000]);
        inbound::flood(20);
    } else {
        outbound::run(2000);
        inbound::run(2000, &[1, 1_000, 1_000_000]);
        inbound::flood(2000);
    }
}
