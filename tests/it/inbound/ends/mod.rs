//! The end of a key ends its use, in both directions, whether or not anybody polls.

mod grpc;
mod sockets;
mod upgrade;
mod virtual_time;

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;
use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::{KeySet, KeyStatus, RequireKeyLayer};
use tower_rotating_auth::rotating::Publisher;

use super::keys::{ADMIN, VALID, record, set};

/// What a handler reports about its client.
#[derive(Clone, Debug, PartialEq)]
enum Report {
    /// It has read or written something.
    Progress(String),
    /// Its upload failed.
    UploadEnded(String, Option<KeyStatus>),
    /// Its response was dropped, with what it holds of an upstream.
    Released(String),
}

type Reports = UnboundedSender<Report>;

/// A guarded server on loopback, and what its handlers report.
struct Guarded {
    address: SocketAddr,
    publisher: Publisher<KeySet>,
    reports: UnboundedReceiver<Report>,
}

/// How a key ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Revoked,
    Expires,
}

const ENDS: [End; 2] = [End::Revoked, End::Expires];

impl Guarded {
    async fn start(routes: impl FnOnce(Reports) -> Router) -> Self {
        let (sender, reports) = tokio::sync::mpsc::unbounded_channel();
        let (keys, publisher) = Rotating::manual(keys(record("valid", "")));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = routes(sender).layer(RequireKeyLayer::new(keys));
        tokio::spawn(axum::serve(listener, app).into_future());
        Self {
            address,
            publisher,
            reports,
        }
    }

    /// Publishes the same keys again, in a new generation.
    fn reload(&mut self) {
        self.publisher
            .publish(keys(record("valid", "").with_not_after(later(3600))));
    }

    /// Ends the key of the first client, and returns the moment of its end.
    fn end(&mut self, end: End) -> Instant {
        let in_a_moment = Duration::from_millis(300);
        let (record, after) = match end {
            End::Revoked => (record("valid", "").into_revoked(), Duration::ZERO),
            End::Expires => {
                let moment = SystemTime::now() + in_a_moment;
                (record("valid", "").with_not_after(moment), in_a_moment)
            }
        };
        self.publisher.publish(keys(record));
        Instant::now() + after
    }

    /// Waits for a report, past those about progress.
    async fn reported(&mut self, wanted: Report) {
        let mut seen = vec![];
        while !seen.contains(&wanted) {
            seen.push(within(self.reports.recv()).await.unwrap());
        }
    }
}

fn later(seconds: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(seconds)
}

fn keys(valid: tower_rotating_auth::inbound::KeyRecord) -> KeySet {
    set([(VALID, valid), (ADMIN, record("admin", ""))])
}

/// Fails instead of waiting for ever.
async fn within<T>(future: impl Future<Output = T>) -> T {
    let guarded = tokio::time::timeout(Duration::from_secs(20), future);
    guarded.await.expect("it happens soon")
}

/// Asserts that what has just happened is due to the end of the key, and prints how late it was.
///
/// That it takes no longer than 100 ms is asserted in virtual time, where a busy machine counts for
/// nothing.
fn assert_ended(what: &str, end: End, moment: Instant) {
    let late = Instant::now().checked_duration_since(moment);
    let late = late.expect("not before the key ends");
    println!("{what}: {end:?}, over after {late:?}");
}

/// Reports when it is dropped.
struct Held(String, Reports);

impl Drop for Held {
    fn drop(&mut self) {
        // Nobody listens once the test is over.
        let _ = self.1.send(Report::Released(self.0.clone()));
    }
}
