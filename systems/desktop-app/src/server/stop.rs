//! The end of the server: a signal, or the end of the app that spawned it.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;
use std::{io, thread};

use axum_server::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How long open requests may take to finish.
const DRAIN: Duration = Duration::from_secs(5);

/// Waits for the end, and stops the server then.
pub(crate) async fn wait(handle: Handle<SocketAddr>) {
    tokio::select! {
        () = app_ended() => {}
        () = terminated() => {}
    }
    handle.graceful_shutdown(Some(DRAIN));
}

/// Waits until the other end of standard input is closed, which happens even if the app is killed.
async fn app_ended() {
    let (sender, closed) = oneshot::channel();
    // A thread of its own: the runtime would wait for a read on one of its threads before it ends.
    thread::spawn(move || {
        let ended = io::copy(&mut io::stdin(), &mut io::sink());
        drop(sender.send(ended));
    });
    drop(closed.await);
}

async fn terminated() {
    match signal(SignalKind::terminate()) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => pending().await,
    }
}
