//! Requests to an upstream that are sent again.

mod replays;
mod span;
