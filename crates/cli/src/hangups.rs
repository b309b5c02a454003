//! SIGHUP: all keys are read again.

use std::future::Future;
use std::pin::Pin;

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tower_rotating_auth::Rotating;

use crate::error::Error;

/// Reads a value again.
pub(crate) type Refresh = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Returns what reads a rotating value again.
pub(crate) fn refresh<T: Send + Sync + 'static>(value: &Rotating<T>) -> Refresh {
    let value = value.clone();
    Box::new(move || {
        let refreshing = value.refresh();
        // The log has a line for each failure.
        Box::pin(async move { drop(refreshing.await) })
    })
}

/// A task that reads all keys again after each SIGHUP, until it is dropped.
pub(crate) struct Hangups(JoinHandle<()>);

impl Hangups {
    #[cfg(unix)]
    pub(crate) fn follow(all: Vec<Refresh>) -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};

        let mut hangups = signal(SignalKind::hangup())
            .map_err(|error| Error::start(format!("cannot listen for SIGHUP: {error}")))?;
        Ok(Self(tokio::spawn(async move {
            while hangups.recv().await.is_some() {
                join_all(all.iter().map(|refresh| refresh())).await;
            }
        })))
    }

    /// There is no such signal.
    #[cfg(not(unix))]
    pub(crate) fn follow(_: Vec<Refresh>) -> Result<Self, Error> {
        Ok(Self(tokio::spawn(async {})))
    }
}

impl Drop for Hangups {
    fn drop(&mut self) {
        self.0.abort();
    }
}
