//! SIGHUP: everything is read again.

use tower_rotating_auth::Rotating;

use crate::error::Error;

/// Has a value read again, and does not wait for that: a source may take long. The log has a line
/// for each failure.
pub(crate) type Refresh = Box<dyn Fn() + Send + Sync>;

/// Returns what reads a rotating value again.
pub(crate) fn refresh<T: Send + Sync + 'static>(value: &Rotating<T>) -> Refresh {
    let value = value.clone();
    refresh_by(move || value.refresh())
}

/// Returns what reads a value again by `start`, which queues the refresh, whoever waits for it.
pub(crate) fn refresh_by<F: Future>(start: impl Fn() -> F + Send + Sync + 'static) -> Refresh {
    Box::new(move || drop(start()))
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
