//! Logs that nobody reads.
#![cfg(unix)]

use http::StatusCode;

use crate::gateway::harness::{Gateway, Protocol, closed_port};

/// More lines than a pipe and the queue behind it take.
const LINES: usize = 6000;

#[tokio::test]
async fn stalled_stderr_stops_neither_requests_nor_the_end() {
    let upstream = closed_port().await;
    let mut gateway = Gateway::with_stalled_stderr(&format!("http://{upstream}"), |_| {}).await;
    // Each of these writes a line to standard error.
    for _ in 0..LINES / 100 {
        let address = gateway.address();
        let asked = (0..100).map(|n| {
            let protocol = Protocol::BOTH[n % 2];
            tokio::spawn(async move { protocol.get(address, "/v1/models", &[]).await.0.status })
        });
        for status in asked.collect::<Vec<_>>() {
            assert_eq!(status.await.unwrap(), StatusCode::BAD_GATEWAY);
        }
    }
    let (_, body) = Protocol::Http1.get(gateway.address(), "/readyz", &[]).await;
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert!(body["dropped_log_lines"].as_u64().unwrap() > 0, "{body}");
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));
}
