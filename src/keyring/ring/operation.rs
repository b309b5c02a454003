//! An operation on its way to the task, and its outcome on the way back.

use std::time::SystemTime;

use tokio::sync::oneshot;

use super::error::KeyRingError;
use crate::keyring::decide::{Decided, NotAllowed};
use crate::keyring::state::{Change, KeyRingState};

pub(crate) type Reply<T> = oneshot::Sender<Result<T, KeyRingError>>;

/// A command from a handle to the task.
pub(crate) enum Command {
    /// Decides, persists and publishes an operation.
    Change(Box<dyn Operation>),
    /// Reads what another process has written.
    Reload(Reply<()>),
}

/// An operation whose outcome only its caller knows.
pub(crate) trait Operation: Send {
    /// Returns what the operation changes. Called again if the state has changed before the write.
    fn decide(&mut self, state: &KeyRingState, now: SystemTime) -> Result<Change, NotAllowed>;

    /// Sends the outcome to the caller, if it still waits.
    fn answer(self: Box<Self>, outcome: Result<(), KeyRingError>);
}

pub(crate) struct Pending<F, T> {
    decide: F,
    outcome: Option<T>,
    reply: Reply<T>,
}

impl<F, T> Pending<F, T> {
    pub(crate) const fn new(decide: F, reply: Reply<T>) -> Self {
        Self {
            decide,
            outcome: None,
            reply,
        }
    }
}

impl<F, T> Operation for Pending<F, T>
where
    F: FnMut(&KeyRingState, SystemTime) -> Decided<T> + Send,
    T: Send,
{
    fn decide(&mut self, state: &KeyRingState, now: SystemTime) -> Result<Change, NotAllowed> {
        let (change, outcome) = (self.decide)(state, now)?;
        self.outcome = Some(outcome);
        Ok(change)
    }

    fn answer(self: Box<Self>, outcome: Result<(), KeyRingError>) {
        let Self {
            outcome: value,
            reply,
            ..
        } = *self;
        drop(reply.send(outcome.and_then(|()| value.ok_or_else(KeyRingError::stopped))));
    }
}
