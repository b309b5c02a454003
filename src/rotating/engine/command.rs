//! What handles ask of the refresh task.

use crate::generation::Generation;
use crate::rotating::refreshing::Refreshed;
use tokio::sync::oneshot;

/// What handles ask of the refresh task.
pub(crate) enum Command<T> {
    /// A generation was rejected.
    Rejected {
        generation: Generation,
        reply: oneshot::Sender<Refreshed<T>>,
    },
    /// Somebody waits for what comes of a rejection that was told before.
    Join {
        generation: Generation,
        reply: oneshot::Sender<Refreshed<T>>,
    },
    /// An operator wants the source to be asked.
    Refresh {
        reply: oneshot::Sender<Refreshed<T>>,
    },
}
