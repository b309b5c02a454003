//! The upstream: its key, what is forwarded to it, and its failures.

mod credentials;
mod faults;
mod forwarding;
mod overlap;
pub(crate) mod streaming;
mod uploads;
mod upstream_key;
