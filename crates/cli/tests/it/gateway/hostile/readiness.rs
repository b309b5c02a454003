//! One client cannot make `/readyz` say that no request would succeed.

use axum::response::IntoResponse as _;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use hyper::ext::Protocol;

use crate::gateway::harness::{Gateway, Http2, Recorder, soon};

const ONE: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
const TWO: &str = "two-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";

async fn status(gateway: &Gateway, path: &str, key: &str) -> StatusCode {
    let request = reqwest::Client::new().get(gateway.url(path));
    let answer = soon(request.header("x-api-key", key).send()).await.unwrap();
    answer.status()
}

#[tokio::test]
async fn one_client_cannot_end_readiness() {
    let (upstream, _) = Recorder::answering(|seen| match seen.head.uri.path() {
        "/v1/closed" => StatusCode::UNAUTHORIZED.into_response(),
        _ => StatusCode::OK.into_response(),
    })
    .await;
    let gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.env("CLIENT_KEYS", format!("{ONE}\n{TWO}"));
    })
    .await;
    for _ in 0..5 {
        let rejected = status(&gateway, "/v1/closed", ONE).await;
        assert_eq!(rejected, StatusCode::BAD_GATEWAY);
    }
    assert_eq!(status(&gateway, "/readyz", ONE).await, StatusCode::OK);
    // A failure of two clients counts as the upstream's.
    status(&gateway, "/v1/closed", TWO).await;
    let unready = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(status(&gateway, "/readyz", ONE).await, unready);
    assert_eq!(status(&gateway, "/v1/open", TWO).await, StatusCode::OK);
    assert_eq!(status(&gateway, "/readyz", ONE).await, StatusCode::OK);
}

#[tokio::test]
async fn upgrade_that_is_ignored_keeps_readiness() {
    let (upstream, _) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let mut client = Http2::connect(gateway.address()).await;
    // The client learns by the server's settings that it may.
    client.get(&gateway.url("/healthz"), &[]).await;
    for _ in 0..3 {
        let request = Request::builder()
            .method(Method::CONNECT)
            .uri(gateway.url("/v1/models"))
            .extension(Protocol::from_static("websocket"))
            .header("sec-websocket-version", "13");
        let (head, body) = client.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(head.status, StatusCode::BAD_GATEWAY);
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("upstream_not_switched"), "{body}");
    }
    assert_eq!(status(&gateway, "/readyz", "").await, StatusCode::OK);
}

#[tokio::test]
async fn rejection_by_another_status_ends_readiness() {
    let (upstream, _) = Recorder::answering(|_| StatusCode::FORBIDDEN.into_response()).await;
    let gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.args(["--upstream-rejected-by", "403"]);
    })
    .await;
    for _ in 0..3 {
        let answer = reqwest::get(gateway.url("/v1/models")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        let body = answer.text().await.unwrap();
        assert!(body.contains("upstream_unauthorized"), "{body}");
    }
    let unready = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(status(&gateway, "/readyz", "").await, unready);
}
