//! Requests to an upstream that are sent again.

mod described;
mod replays;
mod span;
