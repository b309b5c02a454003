//! Deadlines and limits, in both directions.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};

use crate::gateway::harness::{Gateway, Http2, Protocol, Recorder, raw, raw_stream, serve, soon};

const GET: &str = "GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn gateway(upstream: SocketAddr, options: &[&str]) -> Gateway {
    Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.args(options);
    })
    .await
}

/// Waits until the gateway has closed a connection, in whichever way.
async fn closed(mut client: TcpStream) {
    let mut rest = Vec::new();
    drop(soon(client.read_to_end(&mut rest)).await);
}

fn get(path: &str) -> Request<Full<Bytes>> {
    let url = format!("http://localhost{path}");
    Request::get(url).body(Full::default()).unwrap()
}

fn code(body: &[u8]) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["error"]["code"].clone()
}

#[tokio::test]
async fn slow_head_is_cut_after_its_timeout() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = gateway(upstream, &["--head-timeout=0.2"]).await;
    for beginning in [
        "",
        "GET /v1",
        "PRI * HTTP/2",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        closed(raw_stream(gateway.address(), beginning).await).await;
    }
    assert!(recorder.all().is_empty());
}

#[tokio::test]
async fn kept_connection_ends_after_keep_alive() {
    let (upstream, _) = Recorder::start().await;
    let gateway = gateway(upstream, &["--keep-alive=0.2"]).await;
    closed(raw_stream(gateway.address(), GET).await).await;
    let mut client = Http2::connect(gateway.address()).await;
    client.send(get("/v1/models")).await;
    client.ended().await;
}

/// An upstream with one endless response, and one that ends. Tells when the endless one is dropped.
async fn endless() -> (SocketAddr, mpsc::UnboundedReceiver<()>) {
    struct Ended(mpsc::UnboundedSender<()>);
    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.send(()).unwrap_or_default(); // nobody waits any more
        }
    }
    let (ended, ends) = mpsc::unbounded_channel();
    let app = Router::new().fallback(async move |request: Request<Body>| {
        if request.uri().path() != "/v1/endless" {
            return StatusCode::OK.into_response();
        }
        let chunks = stream::unfold(Ended(ended), async |ended| {
            let chunk = Bytes::from_static(&[b'a'; 16 * 1024]);
            Some((Ok::<_, std::io::Error>(chunk), ended))
        });
        Response::new(Body::from_stream(chunks))
    });
    (serve(app).await, ends)
}

#[tokio::test]
async fn client_that_never_reads_is_cut() {
    let (upstream, mut ends) = endless().await;
    let gateway = gateway(upstream, &["--write-timeout=0.3"]).await;
    let request = "GET /v1/endless HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let _client = raw_stream(gateway.address(), request).await;
    soon(ends.recv()).await.unwrap();
}

#[tokio::test]
async fn stream_without_window_ends_and_no_other() {
    let (upstream, mut ends) = endless().await;
    let gateway = gateway(upstream, &["--write-timeout=0.3"]).await;
    let mut client = Http2::connect(gateway.address()).await;
    let stalled = soon(client.begin(get("/v1/endless"))).await.unwrap();
    soon(ends.recv()).await.unwrap();
    let (head, _) = client.send(get("/v1/models")).await;
    assert_eq!(head.status, StatusCode::OK, "the connection goes on");
    assert!(soon(stalled.into_body().collect()).await.is_err());
}

/// An upstream that answers when it is told so, and tells of each request.
async fn held() -> (SocketAddr, Arc<Notify>, mpsc::UnboundedReceiver<()>) {
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let app = Router::new().fallback(async move || {
        arrived.send(()).unwrap();
        released.notified().await;
    });
    (serve(app).await, release, arrivals)
}

#[tokio::test]
async fn requests_beyond_a_limit_are_told_to_wait() {
    for (option, status, wanted) in [
        (
            "--max-requests-per-client=1",
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
        ),
        (
            "--max-requests=1",
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
        ),
    ] {
        let (upstream, release, mut arrivals) = held().await;
        let gateway = gateway(upstream, &[option]).await;
        let address = gateway.address();
        let first = tokio::spawn(async move {
            Protocol::Http2
                .get(address, "/v1/models", &[])
                .await
                .0
                .status
        });
        soon(arrivals.recv()).await.unwrap();
        for protocol in Protocol::BOTH {
            let (head, body) = protocol.get(address, "/v1/models", &[]).await;
            assert_eq!(
                (head.status, code(&body)),
                (status, wanted.into()),
                "{protocol:?}"
            );
            assert_eq!(head.headers["retry-after"], "1");
        }
        release.notify_one();
        assert_eq!(soon(first).await.unwrap(), StatusCode::OK);
        let again = tokio::spawn(async move {
            Protocol::Http1
                .get(address, "/v1/models", &[])
                .await
                .0
                .status
        });
        soon(arrivals.recv()).await.unwrap();
        release.notify_one();
        assert_eq!(soon(again).await.unwrap(), StatusCode::OK);
    }
}

#[tokio::test]
async fn pipeline_of_refused_requests_is_cut() {
    let (upstream, _) = Recorder::start().await;
    let gateway = Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.env("CLIENT_KEYS", "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
    })
    .await;
    let answers = raw(gateway.address(), GET.repeat(1000)).await;
    assert_eq!(answers.matches("HTTP/1.1 401 ").count(), 16);
    assert!(answers.contains("connection: close"), "{answers}");
}

#[tokio::test]
async fn too_many_fields_get_431() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = gateway(upstream, &["--max-headers=20"]).await;
    let names: Vec<_> = (0..30).map(|n| format!("x-{n}")).collect();
    let headers: Vec<_> = names.iter().map(|name| (&**name, "1")).collect();
    for protocol in Protocol::BOTH {
        let (head, _) = protocol
            .get(gateway.address(), "/v1/models", &headers)
            .await;
        assert_eq!(
            head.status,
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "{protocol:?}"
        );
    }
    assert!(recorder.all().is_empty());
}

#[tokio::test]
async fn silent_connections_give_way() {
    let (upstream, _) = Recorder::start().await;
    let options = ["--max-connections=2", "--head-timeout=3600"];
    let gateway = gateway(upstream, &options).await;
    let silent = [
        raw_stream(gateway.address(), "").await,
        raw_stream(gateway.address(), "GET /v1").await,
    ];
    for protocol in Protocol::BOTH {
        let (head, _) = protocol.get(gateway.address(), "/v1/models", &[]).await;
        assert_eq!(head.status, StatusCode::OK, "{protocol:?}");
    }
    let [first, _] = silent;
    closed(first).await;
}

#[tokio::test]
async fn busy_peer_gets_no_more_connections() {
    let (upstream, release, mut arrivals) = held().await;
    for protocol in Protocol::BOTH {
        let gateway = gateway(upstream, &["--max-connections-per-peer=1"]).await;
        let address = gateway.address();
        let first = tokio::spawn(async move {
            let (head, _) = protocol.get(address, "/v1/models", &[]).await;
            head.status
        });
        soon(arrivals.recv()).await.unwrap();
        closed(raw_stream(address, GET).await).await;
        release.notify_one();
        assert_eq!(soon(first).await.unwrap(), StatusCode::OK, "{protocol:?}");
    }
}

#[tokio::test]
async fn replays_end_where_their_memory_ends() {
    let [kept, lost] = ["--replay-memory=40KiB", "--replay-memory=1KiB"];
    for (option, protocol, wanted) in [
        (kept, Protocol::Http1, StatusCode::OK),
        (kept, Protocol::Http2, StatusCode::OK),
        (lost, Protocol::Http1, StatusCode::BAD_GATEWAY),
        (lost, Protocol::Http2, StatusCode::BAD_GATEWAY),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "sk-old").unwrap();
        let new = file.clone();
        let (upstream, _) = Recorder::answering(move |seen| {
            if seen.head.headers["authorization"] == "Bearer sk-new" {
                return StatusCode::OK.into_response();
            }
            std::fs::write(&new, "sk-new").unwrap();
            StatusCode::UNAUTHORIZED.into_response()
        })
        .await;
        let gateway = Gateway::start(|command| {
            command.args(["--upstream", &format!("http://{upstream}"), option]);
            command.arg("--upstream-key-file").arg(&file);
        })
        .await;
        let upload = Request::post("/v1/files").body(Full::from(vec![b'a'; 32 * 1024]));
        let (head, _) = protocol.fetch(gateway.address(), upload.unwrap()).await;
        assert_eq!(head.status, wanted, "{option} {protocol:?}");
        let (head, _) = protocol.get(gateway.address(), "/v1/models", &[]).await;
        assert_eq!(head.status, StatusCode::OK, "{option}: without a body");
    }
}
