//! Long uploads that wait for `100 Continue`, over sockets.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_rotating_auth::{
    Secret,
    outbound::connect::expect_continue::{ExpectContinueLayer, UnknownLength},
    outbound::replay::BufferBody,
    outbound::{InjectKeyLayer, IntoCredential, RotatingCredential},
    source::{SourceError, source_fn},
};

const KEEP: usize = 1024 * 1024;
const LENGTH: usize = 20_000_000;
const PIECE: usize = 64 * 1024;

/// What the upstream does with a request that asks for `100 Continue` and has the right key.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    Continues,
    /// Reads on without a word.
    Ignores,
    Fails417,
    /// Responds with 200 before it reads the body.
    RespondsFirst,
    /// Responds with a long 403.
    Forbids,
}

#[derive(Clone, Debug, PartialEq)]
struct Seen {
    status: u16,
    asked: bool,
    body: usize,
}

#[derive(Clone)]
struct Upstream {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Upstream {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let serving = upstream.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let serving = serving.clone();
                // An error means that the client ended the connection.
                tokio::spawn(async move { serving.serve(stream, manner).await });
            }
        });
        upstream
    }

    async fn serve(&self, stream: TcpStream, manner: Manner) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if stream.read_line(&mut head).await? == 0 {
                    return Ok(());
                }
            }
            let head = head.to_ascii_lowercase();
            let asked = head.contains("expect: 100-continue");
            let mut answer = async |status: u16, read_first: usize, write: &[u8], read: usize| {
                let mut body = vec![0; read_first];
                let mut length = stream.read_exact(&mut body).await?;
                stream.write_all(write).await?;
                body.resize(PIECE, 0);
                while length < read {
                    match stream.read(&mut body).await? {
                        0 => break,
                        more => length += more,
                    }
                }
                let seen = Seen {
                    status,
                    asked,
                    body: length,
                };
                self.seen.lock().unwrap().push(seen);
                io::Result::Ok(())
            };
            if !head.contains("bearer sk-2") {
                // It reads first what a client sends ahead: more than can be kept.
                let ahead = if asked { 0 } else { 2 * KEEP };
                let rejection = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
                answer(401, ahead, rejection, usize::MAX).await?;
                return Ok(());
            }
            match manner {
                Manner::Continues if asked => {
                    answer(100, 0, b"HTTP/1.1 100 Continue\r\n\r\n", LENGTH).await?;
                    stream.write_all(OK).await?;
                }
                Manner::Fails417 if asked => {
                    let failed = b"HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n";
                    answer(417, 0, failed, usize::MAX).await?;
                    return Ok(());
                }
                Manner::RespondsFirst => answer(200, 0, OK, LENGTH).await?,
                Manner::Forbids => {
                    let forbidden = forbidden();
                    answer(403, 0, forbidden.as_bytes(), usize::MAX).await?;
                    return Ok(());
                }
                Manner::Ignores | Manner::Continues | Manner::Fails417 => {
                    answer(200, 0, b"", LENGTH).await?;
                    stream.write_all(OK).await?;
                }
            }
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until the upstream has seen the end of so many requests.
    async fn seen_to_the_end(&self, requests: usize) -> Vec<Seen> {
        while self.seen().len() < requests {
            tokio::task::yield_now().await;
        }
        self.seen()
    }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

fn forbidden() -> String {
    let words = "no".repeat(400_000);
    let length = words.len();
    format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {length}\r\n\r\n{words}")
}

/// An upload that cannot be cloned.
type Upload = http_body_util::combinators::BoxBody<Bytes, io::Error>;

fn upload() -> Upload {
    let pieces = LENGTH.div_ceil(PIECE);
    let piece = |n| {
        let length = PIECE.min(LENGTH - n * PIECE);
        Ok(Frame::data(Bytes::from(vec![0; length])))
    };
    let body = StreamBody::new(stream::iter((0..pieces).map(piece)));
    BodyExt::boxed(body)
}

fn request(upstream: &Upstream) -> Request<Upload> {
    let request = Request::post(upstream.url()).header("content-length", LENGTH);
    request.body(upload()).unwrap()
}

fn layer() -> ExpectContinueLayer {
    ExpectContinueLayer::new(KEEP as u64)
        .unknown_length(UnknownLength::HoldBack)
        .timeout(Duration::from_secs(60))
}

/// A key whose first fetch returns sk-1, and the next one sk-2.
async fn key() -> RotatingCredential {
    let mut fetches = 0;
    let source = source_fn(move || {
        fetches += 1;
        ready(Ok::<_, SourceError>(Secret::from(format!("sk-{fetches}"))))
    });
    RotatingCredential::start(source.bearer()).await.unwrap()
}

fn seen(status: u16, asked: bool, body: usize) -> Seen {
    Seen {
        status,
        asked,
        body,
    }
}

#[tokio::test]
async fn rejected_upload_of_any_length_is_replayed() {
    let upstream = Upstream::start(Manner::Continues).await;
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let client = ServiceBuilder::new()
        .layer(
            InjectKeyLayer::new(upstream.url(), key().await)
                .unwrap()
                .replay(BufferBody::new(KEEP)),
        )
        .layer(layer())
        .service(client);
    let response = client.oneshot(request(&upstream)).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut requests = upstream.seen_to_the_end(2).await;
    requests.sort_by_key(|request| request.body);
    assert_eq!(requests, [seen(401, true, 0), seen(100, true, LENGTH)]);
}

#[tokio::test]
async fn upload_that_is_sent_ahead_is_lost() {
    let upstream = Upstream::start(Manner::Continues).await;
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let layer = InjectKeyLayer::new(upstream.url(), key().await).unwrap();
    let client = layer.replay(BufferBody::new(KEEP)).layer(client);
    let response = client.oneshot(request(&upstream)).await.unwrap();
    assert_eq!(response.status(), 401);
}

/// Sends two uploads with the right key.
async fn two_uploads(upstream: &Upstream, layer: ExpectContinueLayer) -> Vec<StatusCode> {
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let client = layer.layer(client);
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let mut request = request(upstream);
        let key = "Bearer sk-2".parse().unwrap();
        drop(request.headers_mut().insert("authorization", key));
        let response = client.clone().oneshot(request).await.unwrap();
        statuses.push(response.status());
    }
    statuses
}

#[tokio::test]
async fn upstream_that_fails_the_expectation_is_not_asked_again() {
    let upstream = Upstream::start(Manner::Fails417).await;
    assert_eq!(two_uploads(&upstream, layer()).await, [200, 200]);
    let mut requests = upstream.seen_to_the_end(3).await;
    requests.sort_by_key(|request| request.body);
    assert_eq!(
        requests,
        [
            seen(417, true, 0),
            seen(200, false, LENGTH),
            seen(200, false, LENGTH)
        ]
    );
}

#[tokio::test]
async fn failed_expectation_counts_for_its_origin_alone() {
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let client = layer().layer(client);
    let mut asked = Vec::new();
    for manner in [Manner::Fails417, Manner::Continues] {
        let upstream = Upstream::start(manner).await;
        for _ in 0..2 {
            let mut request = request(&upstream);
            let key = "Bearer sk-2".parse().unwrap();
            drop(request.headers_mut().insert("authorization", key));
            let response = client.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200);
        }
        let requests = match manner {
            Manner::Fails417 => upstream.seen_to_the_end(3).await,
            _ => upstream.seen_to_the_end(2).await,
        };
        asked.push(requests.iter().filter(|request| request.asked).count());
    }
    assert_eq!(asked, [1, 2]);
}

#[tokio::test]
async fn silent_upstream_gets_the_upload_after_the_timeout() {
    let upstream = Upstream::start(Manner::Ignores).await;
    let layer = layer().timeout(Duration::from_millis(20));
    assert_eq!(two_uploads(&upstream, layer).await, [200, 200]);
    assert_eq!(
        upstream.seen(),
        [seen(200, true, LENGTH), seen(200, true, LENGTH)]
    );
}

#[tokio::test]
async fn upstream_that_responds_first_gets_the_upload() {
    let upstream = Upstream::start(Manner::RespondsFirst).await;
    assert_eq!(two_uploads(&upstream, layer()).await, [200, 200]);
    let requests = upstream.seen_to_the_end(2).await;
    assert_eq!(requests, [seen(200, true, LENGTH), seen(200, true, LENGTH)]);
}

#[tokio::test]
async fn refusal_is_read_whole_and_nothing_is_sent() {
    let upstream = Upstream::start(Manner::Forbids).await;
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let mut request = request(&upstream);
    let key = "Bearer sk-2".parse().unwrap();
    drop(request.headers_mut().insert("authorization", key));
    let response = layer().layer(client).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 403);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), 800_000);
    assert_eq!(upstream.seen_to_the_end(1).await, [seen(403, true, 0)]);
}

#[tokio::test]
async fn http2_upstream_is_asked_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let answer = async |request: Request<Incoming>| {
            let asked = request.headers().contains_key("expect");
            let length = request.into_body().collect().await?.to_bytes().len();
            hyper::Result::Ok(Response::new(Full::new(Bytes::from(format!(
                "{asked} {length}"
            )))))
        };
        let server = auto::Builder::new(TokioExecutor::new());
        let stream = TokioIo::new(stream);
        server
            .serve_connection(stream, service_fn(answer))
            .await
            .unwrap();
    });
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build(HttpConnector::new());
    let client = layer().timeout(Duration::from_millis(20)).layer(client);
    for asked in [true, false] {
        let request = Request::post(&url).body(upload()).unwrap();
        let response = client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, format!("{asked} {LENGTH}"));
    }
}
