//! The commands of handles to the refresh task.

use crate::generation::Generation;
use crate::rotating::refreshing::Refreshed;
use tokio::sync::oneshot;

/// A command of a handle to the refresh task.
pub(crate) enum Command<T> {
    /// The upstream rejected a generation.
    Rejected {
        generation: Generation,
        reply: oneshot::Sender<Refreshed<T>>,
    },
    /// A request waits for the refresh that an earlier rejection started.
    Join {
        generation: Generation,
        reply: oneshot::Sender<Refreshed<T>>,
    },
    /// The program called [`Rotating::refresh`](crate::Rotating::refresh).
    Refresh {
        reply: oneshot::Sender<Refreshed<T>>,
    },
}
