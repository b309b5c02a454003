//! The commands of handles to the refresh task.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::generation::Generation;
use crate::rotating::refreshing::Refreshed;
use crate::rotating::value::Health;

/// A command of a handle to the refresh task.
pub(crate) struct Command<T, S> {
    pub(crate) kind: CommandKind,
    pub(crate) reply: oneshot::Sender<Refreshed<T, S>>,
}

pub(crate) enum CommandKind {
    /// Somebody needs a value newer than a generation, which has failed.
    Demand {
        newer_than: Generation,
        /// The health of that generation before it failed.
        health: Health,
        /// How long to wait. The first demand of a round sets how long the round lasts.
        wait: Duration,
    },
    /// Somebody waits for what an earlier demand started.
    Join { newer_than: Generation },
    /// The program called [`Rotating::refresh`](crate::Rotating::refresh).
    Refresh,
}
