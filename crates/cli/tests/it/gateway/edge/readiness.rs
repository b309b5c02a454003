//! `/readyz` says whether a request with a valid key would succeed.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::Value;

use crate::gateway::harness::{Gateway, Protocol, Recorder, soon};

async fn ready(gateway: &Gateway) -> (StatusCode, Value) {
    ready_over(Protocol::Http1, gateway).await
}

async fn ready_over(protocol: Protocol, gateway: &Gateway) -> (StatusCode, Value) {
    let (head, body) = protocol.get(gateway.address(), "/readyz", &[]).await;
    (head.status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn upstream_that_rejects_everything_is_not_ready() {
    let rejects = Arc::new(AtomicBool::new(true));
    let rejecting = Arc::clone(&rejects);
    let (upstream, _) = Recorder::answering(move |_| match rejecting.load(Ordering::SeqCst) {
        true => StatusCode::UNAUTHORIZED.into_response(),
        false => StatusCode::OK.into_response(),
    })
    .await;
    let gateway = Gateway::before(upstream).await;
    assert_eq!(ready(&gateway).await.0, StatusCode::OK);
    for protocol in [Protocol::Http1, Protocol::Http2, Protocol::Http1] {
        let (head, _) = protocol.get(gateway.address(), "/v1/models", &[]).await;
        assert_eq!(head.status, StatusCode::BAD_GATEWAY);
    }
    for protocol in Protocol::BOTH {
        let (status, body) = ready_over(protocol, &gateway).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{protocol:?}");
        let upstream = &body["upstreams"][0];
        assert_eq!(
            (&upstream["usable"], &upstream["failures"]),
            (&false.into(), &3.into())
        );
    }
    rejects.store(false, Ordering::SeqCst);
    Protocol::Http1
        .get(gateway.address(), "/v1/models", &[])
        .await;
    assert_eq!(ready(&gateway).await.0, StatusCode::OK);
}

#[tokio::test]
async fn client_keys_that_are_too_old_are_not_ready() {
    let (upstream, _) = Recorder::start().await;
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("clients");
    fs::write(&keys, "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe").unwrap();
    let gateway = Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--client-keys").arg(&keys);
        command.args(["--max-stale=0.05", "--poll-interval=0.1"]);
    })
    .await;
    assert_eq!(ready(&gateway).await.0, StatusCode::OK);
    fs::write(&keys, "version = 1\n[[key").unwrap();
    gateway.said("refresh failed").await;
    let stale = async {
        while ready(&gateway).await.0 == StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    soon(stale).await;
    let valid = [("x-api-key", "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe")];
    for protocol in Protocol::BOTH {
        let (head, _) = protocol.get(gateway.address(), "/v1/models", &valid).await;
        assert_eq!(head.status, StatusCode::SERVICE_UNAVAILABLE, "{protocol:?}");
    }
    fs::write(&keys, "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe").unwrap();
    let mended = async {
        while ready(&gateway).await.0 != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    soon(mended).await;
}
