//! SIGHUP: everything is read again.

use std::future::Future;
use std::pin::Pin;

use tower_rotating_auth::Rotating;

use crate::error::Error;

/// Reads a value again.
pub(crate) type Refresh = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Returns what reads a rotating value again.
pub(crate) fn refresh<T: Send + Sync + 'static>(value: &Rotating<T>) -> Refresh {
    let value = value.clone();
    refresh_by(move || value.refresh())
}

/// Returns what reads a value again by `start`, which queues the refresh.
pub(crate) fn refresh_by<F>(start: impl Fn() -> F + Send + Sync + 'static) -> Refresh
where
    F: Future<Output: Send> + Send + 'static,
{
    Box::new(move || {
        let refreshing = start();
        // The log has a line for each failure.
        Box::pin(async move { drop(refreshing.await) })
    })
}

/// The signals SIGHUP.
pub(crate) struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangups {
    /// Registers the handler. From now on, the signal no longer ends the process.
    #[cfg(unix)]
    pub(crate) fn listen() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::hangup())
            .map(|signal| Self { signal })
            .map_err(|error| Error::start(format!("cannot listen for SIGHUP: {error}")))
    }

    /// There is no such signal.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> Result<Self, Error> {
        Ok(Self {})
    }

    /// Waits for the next signal.
    pub(crate) async fn recv(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}
