//! Upstreams that fail.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use serde_json::Value;
use tempfile::tempdir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::streaming::held_stream;
use crate::gateway::harness::{Gateway, KEY, Recorder, closed_port, serve, soon};

/// The answer's status, and its error, which must have the shape that clients expect.
async fn error(answer: reqwest::Response) -> (StatusCode, Value) {
    let status = answer.status();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let error = &body["error"];
    assert!(
        error["message"].is_string() && error["type"].is_string(),
        "{body}"
    );
    assert!(error.as_object().unwrap().contains_key("param"), "{body}");
    (status, error["code"].clone())
}

fn rejecting() -> Response {
    Response::builder()
        .status(StatusCode::UNAUTHORIZED)
        .header("www-authenticate", "Bearer realm=\"upstream\"")
        .body(Body::from(
            r#"{"error":{"code":"invalid_api_key","message":"sk-of-***way"}}"#,
        ))
        .unwrap()
}

#[tokio::test]
async fn rejected_upstream_key_gets_502() {
    let (upstream, recorder) = Recorder::answering(|_| rejecting()).await;
    let gateway = Gateway::before(upstream).await;
    let client = reqwest::Client::new();
    let request = client.post(gateway.url("/v1/chat/completions")).body("{}");
    let answer = soon(request.send()).await.unwrap();
    assert_eq!(answer.headers().get("www-authenticate"), None);
    let found = error(answer).await;
    assert_eq!(
        found,
        (StatusCode::BAD_GATEWAY, "upstream_unauthorized".into())
    );
    assert_eq!(recorder.all().len(), 1, "there is no other key to try");
    gateway.said("rejected").await;
    assert!(!gateway.output().contains(KEY));
}

#[tokio::test]
async fn rejected_key_is_replaced_without_client_error() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "sk-old").unwrap();
    let (upstream, recorder) = {
        let file = file.clone();
        Recorder::answering(move |seen| {
            if seen.head.headers["authorization"] == "Bearer sk-new" {
                return Response::new(Body::from(seen.body.clone()));
            }
            std::fs::write(&file, "sk-new").unwrap();
            rejecting()
        })
        .await
    };
    let gateway = Gateway::start(|command| {
        command.args(["--upstream", &format!("http://{upstream}")]);
        command.arg("--upstream-key-file").arg(&file);
    })
    .await;
    let client = reqwest::Client::new();
    let request = client
        .post(gateway.url("/v1/embeddings"))
        .body("the same body");
    let answer = soon(request.send()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.bytes().await.unwrap(), "the same body");
    let bodies: Vec<_> = recorder.all().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, ["the same body", "the same body"]);
    gateway.said("rotated").await;
    gateway.said("replayed").await;
    for key in ["sk-old", "sk-new"] {
        assert!(!gateway.output().contains(key), "{}", gateway.output());
    }
}

#[tokio::test]
async fn upload_beyond_replay_limit_is_sent_once() {
    let (upstream, recorder) = Recorder::answering(|_| rejecting()).await;
    let gateway = Gateway::before(upstream).await;
    let client = reqwest::Client::new();
    let request = client
        .post(gateway.url("/v1/files"))
        .body(vec![0; 2 * 1024 * 1024]);
    let found = error(soon(request.send()).await.unwrap()).await;
    assert_eq!(
        found,
        (StatusCode::BAD_GATEWAY, "upstream_unauthorized".into())
    );
    assert_eq!(recorder.all().len(), 1);
}

#[tokio::test]
async fn unreachable_upstream_gets_502() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hangs_up = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut some = [0; 16];
            stream.read_exact(&mut some).await.unwrap();
            stream.set_zero_linger().unwrap(); // a reset, with the rest of the request unread
        }
    });
    for upstream in [hangs_up, closed_port().await] {
        let gateway = Gateway::before(upstream).await;
        let client = reqwest::Client::new();
        let request = client.post(gateway.url("/v1/embeddings")).body("{}");
        let found = error(soon(request.send()).await.unwrap()).await;
        assert_eq!(
            found,
            (StatusCode::BAD_GATEWAY, "upstream_unreachable".into())
        );
    }
}

#[tokio::test]
async fn silent_upstream_gets_504() {
    let app = Router::new().fallback(async |_: Request<Body>| std::future::pending::<()>().await);
    let upstream = serve(app).await;
    let gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.args(["--upstream-timeout", "0.1"]);
    })
    .await;
    let found = error(soon(reqwest::get(gateway.url("/v1/models"))).await.unwrap()).await;
    assert_eq!(
        found,
        (StatusCode::GATEWAY_TIMEOUT, "upstream_timeout".into())
    );
}

#[tokio::test]
async fn stalled_stream_is_cut_after_timeout() {
    let (upstream, events) = held_stream().await;
    let limit = Duration::from_secs(1);
    let gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.args(["--upstream-timeout", &limit.as_secs_f64().to_string()]);
    })
    .await;
    let mut answer = soon(reqwest::get(gateway.url("/v1/chat/completions")))
        .await
        .unwrap();
    let begun = Instant::now();
    while begun.elapsed() < limit * 3 / 2 {
        events.send("on").unwrap();
        assert!(soon(answer.chunk()).await.unwrap().is_some());
    }
    assert!(
        soon(answer.chunk()).await.is_err(),
        "cut, and not as if it were complete"
    );
}
