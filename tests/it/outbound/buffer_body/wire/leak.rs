//! Abandoned attempts leave nothing behind. `.ci/slow` makes ten thousand of them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame};
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::call::{client, upload};
use super::server::{After, End, Protocol, Reads, Script, Server, content};
use crate::support::{Broken, Fed, feed, watched};

const UPLOADS: usize = 500;
const AT_ONCE: usize = 50;
/// A length that is not copied when it is recorded.
const PIECE: usize = 1024;

/// A body that counts its instances.
struct Counted {
    body: Fed,
    _there: Arc<()>,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_uploads_leak_no_task_buffer_or_socket() {
    leaves_nothing(Protocol::Http1).await;
}

/// The number of concurrent uploads, which is the server's limit of streams: a leaked one would be
/// missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_uploads_leave_no_stream_open() {
    let connections = leaves_nothing(Protocol::Http2).await;
    assert_eq!(connections, 1);
}

/// Makes rejected uploads and checks what they leave. Returns the number of connections.
async fn leaves_nothing(protocol: Protocol) -> usize {
    let uploads = match std::env::var("REJECTED_UPLOADS") {
        Ok(number) => number.parse().unwrap(),
        Err(_) => UPLOADS,
    };
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let (piece, kept) = watched(content(PIECE).into());
    let there = Arc::new(());

    let script = Script {
        reads: Reads::Bytes(PIECE),
        after: After::Lingers,
    };
    let mut server = Server::start(protocol, script).await;
    let url = format!("http://{}/", server.address);
    let client = client(protocol);
    for sent in (0..uploads).step_by(AT_ONCE) {
        let batch: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (feed, body) = feed(None);
                feed.data(piece.clone());
                let body = Counted {
                    body,
                    _there: Arc::clone(&there),
                };
                let answer = upload(client.clone(), &url, PIECE, body);
                (feed, tokio::spawn(answer))
            })
            .collect();
        server.hear(|server| server.began == sent + AT_ONCE).await;
        let answers = batch.into_iter().map(|(feed, answer)| {
            feed.data(piece.clone());
            answer
        });
        for answer in answers.collect::<Vec<_>>() {
            assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::OK);
        }
    }

    // The server saw the end of each abandoned attempt's connection or stream.
    server
        .hear(|server| server.old.len() == uploads && server.new.len() == uploads)
        .await;
    let given = [&*piece, &*piece].concat();
    for (old, new) in server.old.iter().zip(&server.new) {
        assert!(old.end == End::BrokenOff && old.body == *piece);
        assert!(new.end == End::Whole && new.body == given);
    }
    drop(client);
    server.hear(|server| server.closed == server.opened).await;
    let connections = server.opened;
    drop((server, piece));
    let nothing_left = async {
        while tasks() > before || Arc::strong_count(&there) > 1 || Arc::strong_count(&kept) > 1 {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), nothing_left)
        .await
        .expect("something is left behind");
    connections
}
