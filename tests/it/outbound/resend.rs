//! Requests without a response over sockets, to upstreams that break the connection or refuse the
//! stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt};
use tower_rotating_auth::outbound::connect::resend::{Resend, ResendLayer};
use tower_rotating_auth::outbound::replay::{BufferBody, ReplayBody};

type Body = Full<Bytes>;

/// How an upstream treats the first request. It answers all others.
#[derive(Clone, Copy, Debug, PartialEq)]
enum First {
    /// Closes the HTTP/1.1 connection without a response.
    Closes,
    /// Resets the HTTP/2 stream with this reason.
    Resets(h2::Reason),
    /// Sends GOAWAY with the request as the last stream, and closes the connection.
    GoesAway,
}

struct Upstream {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Upstream {
    async fn start(first: First) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                match first {
                    First::Closes => http1(stream, &count).await,
                    _ => http2(stream, first, &count).await,
                }
            }
        });
        Self { url, requests }
    }

    /// Sends one request. Returns the body of its response, or `None` if there was none.
    async fn send(&self, first: First, resend: Resend, method: Method) -> Option<Bytes> {
        let mut client = Client::builder(TokioExecutor::new());
        let client = client
            .http2_only(first != First::Closes)
            .build::<_, ReplayBody<Body>>(HttpConnector::new());
        let client = ResendLayer::new(BufferBody::new(1024))
            .resend(resend)
            .layer(client);
        let request = Request::builder().method(method).uri(&self.url);
        let request = request.body(Body::from("hello")).unwrap();
        let response = client.oneshot(request).await.ok()?;
        Some(response.into_body().collect().await.unwrap().to_bytes())
    }
}

async fn http1(mut stream: TcpStream, count: &AtomicUsize) {
    let mut buffer = [0; 1024];
    let mut length = 0;
    while !buffer[..length].ends_with(b"hello") {
        length += stream.read(&mut buffer[length..]).await.unwrap();
    }
    if count.fetch_add(1, Ordering::SeqCst) > 0 {
        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
        stream.write_all(response).await.unwrap();
    }
}

async fn http2(stream: TcpStream, first: First, count: &AtomicUsize) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            match first {
                First::Resets(reason) => respond.send_reset(reason),
                _ => {
                    connection.abrupt_shutdown(h2::Reason::NO_ERROR);
                    // An error means that the client has gone.
                    drop(std::future::poll_fn(|cx| connection.poll_closed(cx)).await);
                    return;
                }
            }
            continue;
        }
        tokio::spawn(async move {
            let mut body = request.into_body();
            let data = body.data().await.unwrap().unwrap();
            let mut stream = respond.send_response(Response::new(()), false).unwrap();
            stream.send_data(data, true).unwrap();
        });
    }
}

/// Sends a request with each method under each rule. Returns how many requests the upstream saw
/// for each, and asserts that the caller got a response if there were two.
async fn requests(first: First) -> Vec<(Resend, usize, usize)> {
    let mut seen = Vec::new();
    for resend in [Resend::Unprocessed, Resend::Idempotent, Resend::Always] {
        let mut counts = [0; 2];
        for (n, method) in [Method::PUT, Method::POST].into_iter().enumerate() {
            let upstream = Upstream::start(first).await;
            let response = upstream.send(first, resend, method).await;
            counts[n] = upstream.requests.load(Ordering::SeqCst);
            assert_eq!(response.is_some(), counts[n] == 2, "{first:?} {resend:?}");
            assert!(response.is_none_or(|body| body == "hello"));
        }
        seen.push((resend, counts[0], counts[1]));
    }
    seen
}

#[tokio::test]
async fn refused_stream_is_sent_again_with_any_method() {
    let seen = requests(First::Resets(h2::Reason::REFUSED_STREAM)).await;
    assert_eq!(
        seen,
        [
            (Resend::Unprocessed, 2, 2),
            (Resend::Idempotent, 2, 2),
            (Resend::Always, 2, 2),
        ]
    );
}

#[tokio::test]
async fn other_resets_are_never_sent_again() {
    let seen = requests(First::Resets(h2::Reason::CANCEL)).await;
    assert!(
        seen.iter().all(|(_, put, post)| (*put, *post) == (1, 1)),
        "{seen:?}"
    );
}

#[tokio::test]
async fn broken_connection_is_repeated_for_idempotent_methods() {
    let seen = requests(First::Closes).await;
    assert_eq!(
        seen,
        [
            (Resend::Unprocessed, 1, 1),
            (Resend::Idempotent, 2, 1),
            (Resend::Always, 2, 2),
        ]
    );
}

#[tokio::test]
async fn going_away_proves_nothing_about_processed_streams() {
    let seen = requests(First::GoesAway).await;
    assert_eq!(
        seen,
        [
            (Resend::Unprocessed, 1, 1),
            (Resend::Idempotent, 2, 1),
            (Resend::Always, 2, 2),
        ]
    );
}
