//! `/healthz` and `/readyz`.

use http::StatusCode;
use serde_json::Value;
use tempfile::tempdir;

use crate::gateway::harness::{Gateway, KEY, Recorder, soon};

async fn json(url: String) -> (StatusCode, Value) {
    let answer = reqwest::get(url).await.unwrap();
    let status = answer.status();
    let body = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn healthz_and_readyz_do_not_call_upstream() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let (status, body) = json(gateway.url("/healthz")).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &"ok".into()));

    let (status, body) = json(gateway.url("/readyz")).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &"ready".into()));
    let source = &body["sources"][0];
    assert_eq!(source["generation"], 1);
    assert_eq!(source["last_error"], Value::Null);
    assert!(source["age_seconds"].as_f64().unwrap() >= 0.0);
    assert!(!body.to_string().contains(KEY), "{body}");
    assert!(recorder.all().is_empty());
}

#[tokio::test]
async fn readyz_reports_failing_source_with_last_good_value() {
    let (upstream, recorder) = Recorder::start().await;
    let folder = tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, KEY).unwrap();
    let gateway = Gateway::start(|command| {
        command.args(["--upstream", &format!("http://{upstream}")]);
        command.arg("--upstream-key-file").arg(&file);
        command.args(["--poll-interval", "0.2"]);
    })
    .await;

    std::fs::write(&file, "two\nlines").unwrap();
    gateway.said("refresh failed").await;
    gateway.said("white space in the middle").await;
    let (status, body) = json(gateway.url("/readyz")).await;
    let source = &body["sources"][0];
    assert_eq!(status, StatusCode::OK);
    assert_eq!(source["generation"], 1);
    assert_eq!(source["last_error"], "invalid");
    reqwest::get(gateway.url("/v1/models")).await.unwrap();
    let sent = recorder.only().head.headers["authorization"].clone();
    assert_eq!(sent, format!("Bearer {KEY}"));

    std::fs::write(&file, "sk-mended").unwrap();
    gateway.said("generation 2").await;
    let (_, body) = soon(json(gateway.url("/readyz"))).await;
    let source = &body["sources"][0];
    assert_eq!(source["generation"], 2);
    assert_eq!(source["last_error"], Value::Null);
}

#[tokio::test]
async fn health_routes_take_only_get() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let client = reqwest::Client::new();
    let answer = client.post(gateway.url("/readyz")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "method_not_allowed");
    assert!(recorder.all().is_empty());
}
