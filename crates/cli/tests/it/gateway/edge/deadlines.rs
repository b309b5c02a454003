//! Deadlines of uploads, heads, streams, and all attempts at a request together.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::handshake;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::gateway::harness::{Gateway, Http2, Protocol, Recorder, raw_stream, serve, soon};

async fn gateway(upstream: SocketAddr, options: &[&str]) -> Gateway {
    Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.args(options);
    })
    .await
}

/// Sends these pieces of an upload over HTTP/2, and then nothing.
async fn begin_upload(
    address: SocketAddr,
    pieces: impl Iterator<Item = Bytes> + Send + 'static,
) -> http::Response<Incoming> {
    let frames = stream::iter(pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece))));
    let body = BodyExt::boxed_unsync(StreamBody::new(frames.chain(stream::pending())));
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("http://localhost/v1/files").body(body);
    soon(sender.send_request(request.unwrap())).await.unwrap()
}

#[tokio::test]
async fn silent_upload_gets_408() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = gateway(upstream, &["--upload-timeout=0.3"]).await;
    let head = "POST /v1/files HTTP/1.1\r\nhost: localhost\r\ncontent-length: 8\r\n\r\nhalf";
    let mut client = raw_stream(gateway.address(), head).await;
    let mut answer = String::new();
    soon(client.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let half = std::iter::once(Bytes::from_static(b"half"));
    let answer = begin_upload(gateway.address(), half).await;
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    assert!(recorder.all().is_empty());
}

#[tokio::test]
async fn refused_http2_upload_is_answered_early() {
    const PIECES: usize = 100_000;
    let (upstream, _) = Recorder::start().await;
    let gateway = Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.env("CLIENT_KEYS", "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
    })
    .await;
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let pieces = (0..PIECES).map(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Bytes::from_static(&[b'a'; 16 * 1024])
    });
    let answer = begin_upload(gateway.address(), pieces).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let taken = taken.load(Ordering::SeqCst);
    assert!(taken < PIECES / 100, "{taken}: the window is 256 KiB");
}

#[tokio::test]
async fn head_beyond_its_size_gets_431() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = gateway(upstream, &["--max-head-size=16KiB"]).await;
    let long = "a".repeat(20 * 1024);
    for protocol in Protocol::BOTH {
        let headers = [("x-long", &*long)];
        let (head, _) = protocol
            .get(gateway.address(), "/v1/models", &headers)
            .await;
        let wanted = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        assert_eq!(head.status, wanted, "{protocol:?}");
    }
    assert!(recorder.all().is_empty());
}

#[tokio::test]
async fn streams_beyond_their_limit_wait() {
    let running = Arc::new(AtomicUsize::new(0));
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let release = Arc::new(Semaphore::new(0));
    let released = Arc::clone(&release);
    let app = Router::new().fallback(async move || {
        arrived
            .send(running.fetch_add(1, Ordering::SeqCst))
            .unwrap();
        released.acquire().await.unwrap().forget();
        running.fetch_sub(1, Ordering::SeqCst);
    });
    let gateway = gateway(serve(app).await, &["--max-streams=2"]).await;
    let mut client = Http2::connect(gateway.address()).await;
    client.get(&gateway.url("/healthz"), &[]).await; // it has the limit by now
    let asked = (0..8).map(|_| {
        let (mut client, url) = (client.clone(), gateway.url("/v1/models"));
        tokio::spawn(async move { client.get(&url, &[]).await.0.status })
    });
    let asked: Vec<_> = asked.collect();
    for _ in 0..asked.len() {
        let before = soon(arrivals.recv()).await.unwrap();
        assert!(before < 2, "{before} others are running");
        release.add_permits(1);
    }
    for status in asked {
        assert_eq!(soon(status).await.unwrap(), StatusCode::OK);
    }
}

/// Waits for the time that `seconds` says, by the timeout of a gateway for an upstream that is
/// silent.
async fn timed_out(silent: SocketAddr, seconds: &str) {
    let gateway = gateway(silent, &["--upstream-timeout", seconds]).await;
    let (head, _) = Protocol::Http1
        .get(gateway.address(), "/v1/models", &[])
        .await;
    assert_eq!(head.status, StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn attempts_share_one_timeout() {
    for protocol in Protocol::BOTH {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, "sk-old").unwrap();
        let (file, answered) = (key.clone(), Arc::new(Notify::new()));
        let answers = Arc::clone(&answered);
        // It rejects the old key when it is told so, and is silent to the new one.
        let app = Router::new().fallback(async move |request: Request<Body>| {
            let sent = request.headers().get("authorization");
            if request.uri().path() == "/v1/replayed" && sent.unwrap() == "Bearer sk-old" {
                answers.notified().await;
                std::fs::write(file, "sk-new").unwrap();
                return StatusCode::UNAUTHORIZED;
            }
            std::future::pending().await
        });
        let upstream = serve(app).await;
        let gateway = Gateway::start(|command| {
            command.args(["--upstream", &format!("http://{upstream}")]);
            command.arg("--upstream-key-file").arg(&key);
            command.args(["--upstream-timeout", "2"]);
        })
        .await;
        let address = gateway.address();
        let (ended, mut ends) = mpsc::unbounded_channel();
        let ask = |path: &'static str| {
            let ended = ended.clone();
            tokio::spawn(async move {
                let (head, _) = protocol.get(address, path, &[]).await;
                ended.send((path, head.status)).unwrap();
            })
        };
        ask("/v1/replayed");
        timed_out(upstream, "1").await;
        ask("/v1/later");
        answered.notify_one();
        // With a timeout of its own, the replay would end after what was asked before it.
        let wanted = StatusCode::GATEWAY_TIMEOUT;
        for path in ["/v1/replayed", "/v1/later"] {
            assert_eq!(
                soon(ends.recv()).await,
                Some((path, wanted)),
                "{protocol:?}"
            );
        }
        gateway.said("replayed").await;
    }
}
