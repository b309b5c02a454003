//! HTTP/2 by prior knowledge, and the admin listener.

use std::net::SocketAddr;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::Full;

use crate::gateway::harness::{Gateway, Http2, KEY, Recorder, raw, raw_stream, soon};

#[tokio::test]
async fn http2_request_reaches_upstream() {
    let (upstream, recorder) =
        Recorder::answering(|seen| Response::new(Body::from(seen.body.clone()))).await;
    let gateway = Gateway::before(upstream).await;
    let mut client = Http2::connect(gateway.address()).await;
    let request = Request::post(gateway.url("/v1/embeddings"))
        .header("x-api-key", "of-the-client")
        .body(Full::new(Bytes::from_static(b"a body")))
        .unwrap();
    let (head, body) = client.send(request).await;
    assert_eq!(
        (head.version, head.status),
        (Version::HTTP_2, StatusCode::OK)
    );
    assert_eq!(body, "a body");
    let seen = recorder.only().head;
    assert_eq!(seen.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(seen.headers["host"], upstream.to_string());
    assert_eq!(seen.headers.get("x-api-key"), None);
    assert_eq!(seen.uri, "/v1/embeddings");
}

#[tokio::test]
async fn http2_streams_share_a_connection() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let client = Http2::connect(gateway.address()).await;
    let asked = (0..50).map(|n| {
        let (mut client, url) = (client.clone(), gateway.url(&format!("/v1/models/{n}")));
        tokio::spawn(async move { client.get(&url, &[]).await.0.status })
    });
    for status in asked.collect::<Vec<_>>() {
        assert_eq!(soon(status).await.unwrap(), StatusCode::OK);
    }
    assert_eq!(recorder.all().len(), 50);
}

#[cfg(unix)]
#[tokio::test]
async fn signal_ends_idle_http2_connection() {
    let (upstream, _) = Recorder::start().await;
    let mut gateway = Gateway::before(upstream).await;
    let mut client = Http2::connect(gateway.address()).await;
    client.get(&gateway.url("/v1/models"), &[]).await;
    gateway.terminate().await;
    client.ended().await;
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn admin_listener_alone_has_health() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.args(["--admin-listen", "127.0.0.1:0"]);
    })
    .await;
    let line = gateway.said("admin on ").await;
    let admin: SocketAddr = line.split_once("://").unwrap().1.parse().unwrap();
    for path in ["/healthz", "/readyz"] {
        let answer = reqwest::get(format!("http://{admin}{path}")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let (head, _) = Http2::connect(admin)
            .await
            .get(&format!("http://{admin}{path}"), &[])
            .await;
        assert_eq!(head.status, StatusCode::OK, "{path}");
    }
    assert!(recorder.all().is_empty());
    reqwest::get(gateway.url("/healthz")).await.unwrap();
    assert_eq!(recorder.only().head.uri, "/healthz");
    let other = reqwest::get(format!("http://{admin}/v1/models")).await;
    assert_eq!(other.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn health_answers_while_all_connections_are_taken() {
    let (upstream, _) = Recorder::start().await;
    let gateway = Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.args(["--admin-listen=127.0.0.1:0", "--max-connections=1"]);
    })
    .await;
    let line = gateway.said("admin on ").await;
    let admin: SocketAddr = line.split_once("://").unwrap().1.parse().unwrap();
    let half = "GET /v1/models HTTP/1.1\r\nhost: localhost\r\n";
    let _taken = raw_stream(gateway.address(), half).await;
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = raw(admin, request).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
