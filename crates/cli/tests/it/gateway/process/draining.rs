//! Graceful shutdown.
#![cfg(unix)]

use tokio::net::TcpStream;

use crate::gateway::harness::{Gateway, KEY, Recorder, soon};
use crate::gateway::upstream::streaming::held_stream;

#[tokio::test]
async fn signal_finishes_open_stream_and_accepts_no_more() {
    let (upstream, events) = held_stream().await;
    let mut gateway = Gateway::before(upstream).await;
    let mut answer = soon(reqwest::get(gateway.url("/v1/chat/completions")))
        .await
        .unwrap();
    events.send("before").unwrap();
    soon(answer.chunk()).await.unwrap();

    gateway.terminate().await;
    gateway.said("stopping").await;
    assert!(TcpStream::connect(gateway.address()).await.is_err());
    events.send("after").unwrap();
    let chunk = soon(answer.chunk()).await.unwrap().unwrap();
    assert_eq!(chunk, "data: after\n\n");
    drop(events);
    assert_eq!(soon(answer.chunk()).await.unwrap(), None);
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn shutdown_delay_serves_on_while_not_ready() {
    let (upstream, _recorder) = Recorder::start().await;
    let mut gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.args(["--shutdown-delay", "1h"]);
    })
    .await;
    let status = async |path| {
        let answer = soon(reqwest::get(gateway.url(path))).await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(status("/readyz").await, 200);
    gateway.terminate().await;
    gateway.said("stopping in 3600 s").await;
    assert_eq!(status("/readyz").await, 503);
    assert_eq!(status("/healthz").await, 200);
    assert_eq!(status("/v1/models").await, 200);
    let body = reqwest::get(gateway.url("/readyz")).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body.bytes().await.unwrap()).unwrap();
    assert_eq!(body["status"], "stopping");
    // A second signal ends the delay.
    gateway.terminate().await;
    gateway.said("finishing requests").await;
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn idle_connection_does_not_delay_stop() {
    let (upstream, _) = Recorder::start().await;
    let mut gateway = Gateway::before(upstream).await;
    let client = reqwest::Client::new();
    client.get(gateway.url("/v1/models")).send().await.unwrap();
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn endless_stream_is_cut_after_drain_timeout() {
    let (upstream, events) = held_stream().await;
    let mut gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.args(["--drain-timeout", "0.1"]);
    })
    .await;
    let mut answer = soon(reqwest::get(gateway.url("/v1/chat/completions")))
        .await
        .unwrap();
    events.send("one").unwrap();
    soon(answer.chunk()).await.unwrap();
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));
    assert!(
        soon(answer.chunk()).await.is_err(),
        "cut, and not as if it were complete"
    );
    assert!(!gateway.output().contains(KEY));
}

#[tokio::test]
async fn second_signal_stops_at_once() {
    let (upstream, events) = held_stream().await;
    let mut gateway = Gateway::before(upstream).await;
    let mut answer = soon(reqwest::get(gateway.url("/v1/chat/completions")))
        .await
        .unwrap();
    events.send("one").unwrap();
    soon(answer.chunk()).await.unwrap();
    gateway.terminate().await;
    gateway.said("stopping").await;
    gateway.terminate().await;
    gateway.said("second signal").await;
    assert_eq!(gateway.exit_code().await, Some(0));
}
