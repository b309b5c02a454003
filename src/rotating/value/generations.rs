//! What is kept beside each value.

use std::sync::Arc;

use tokio::time::Instant;

use super::content::Content;
use super::deadline::Deadline;
use super::health::Health;
use crate::clock::Now;

/// Makes the state that lies beside each value, and answers the engine's questions about it.
///
/// The engine publishes a value together with its state, so that a request loads both at once. What
/// the state means is up to those who use the value.
pub(crate) trait Generations<T, S>: Send + Sync {
    /// Returns the state of the first value.
    fn first(&self, now: Now) -> S;

    /// Returns the state of `next`, which replaces `replaced`.
    fn next(&self, replaced: &Replaced<T, S>, next: &T, now: Now) -> S;

    /// Returns what the use of a generation has shown so far.
    fn health(&self, state: &S) -> Health;

    /// Frees what the state holds and nobody needs any more. Returns when to look again, if there
    /// will be something to free.
    fn tidy(&self, state: &S, now: Now) -> Option<Instant>;
}

/// A generation that is being replaced.
pub(crate) struct Replaced<T, S> {
    pub(crate) content: Arc<Content<T, S>>,
    pub(crate) expires: Option<Deadline>,
}

/// Values without a state.
pub(crate) struct Stateless;

impl<T> Generations<T, ()> for Stateless {
    fn first(&self, _: Now) {}

    fn next(&self, _: &Replaced<T, ()>, _: &T, _: Now) {}

    fn health(&self, (): &()) -> Health {
        Health::Unconfirmed
    }

    fn tidy(&self, (): &(), _: Now) -> Option<Instant> {
        None
    }
}
