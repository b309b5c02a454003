//! The error that ends the body of a rejected attempt.

use std::error::Error;
use std::fmt;

/// An error of a rejected attempt's [`ReplayBody`](crate::outbound::replay::ReplayBody): the replay
/// has taken the body over.
///
/// It closes the connection of that attempt, or resets its stream. Nobody waits for that
/// attempt any more, so this is no failure. A log of connection errors can find it by
/// `downcast_ref` and skip it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SupersededError;

impl fmt::Display for SupersededError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the replay has taken over the body; ignore this")
    }
}

impl Error for SupersededError {}
