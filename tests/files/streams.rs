//! How soon a stream ends whose key was revoked in the key file.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use tempfile::tempdir;
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::pending;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_rotating_auth::{Rotating, inbound::RequireKeyLayer, source::FileSource};

use super::figures::{head, report, rotations};
use super::support::{replacement, write};

/// How soon a stream ends.
const GOAL: Duration = Duration::from_millis(30);

fn key(number: usize) -> String {
    format!("client-key-of-a-stream-{number:08}")
}

/// A set of a lasting key, and of the one with this number.
fn keys(number: usize) -> String {
    format!("client-key-that-is-always-valid\n{}\n", key(number))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoked_stream_ends_within_milliseconds() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("keys");
    write(&path, &keys(0));
    let set = Rotating::start(FileSource::new(&path).key_set())
        .await
        .unwrap();
    let service = RequireKeyLayer::new(set).layer(service_fn(|_: Request<_>| async {
        let endless = pending::<Result<Frame<Bytes>, Infallible>>();
        Ok::<_, Infallible>(Response::new(StreamBody::new(endless)))
    }));
    head("from the change to the end of a stream");
    let mut number = 0;
    for (what, in_place) in [
        ("a revocation by rename", false),
        ("a revocation in place", true),
    ] {
        let mut took = Vec::new();
        for _ in 0..rotations() {
            let request = Request::get("/")
                .header("authorization", format!("Bearer {}", key(number)))
                .body(Empty::<Bytes>::new())
                .unwrap();
            let response = service.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200);
            let mut body = response.into_body();
            number += 1;
            let replace = replacement(&path, &keys(number));
            let began = Instant::now();
            if in_place {
                write(&path, &keys(number));
            } else {
                replace();
            }
            let ended = timeout(Duration::from_secs(5), body.frame()).await;
            took.push(began.elapsed());
            assert!(ended.expect("the stream ends").unwrap().is_err());
            sleep(Duration::from_millis(50)).await;
        }
        let figures = report(what, took);
        assert!(figures.median <= GOAL, "{what}: {figures:?}");
    }
}
