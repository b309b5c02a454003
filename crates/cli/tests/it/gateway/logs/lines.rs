//! The log: its lines, its formats, and what happens if nobody reads it.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tempfile::tempdir;
use tokio::process::Command;

use crate::gateway::harness::{Gateway, KEY, Protocol, Recorder, closed_port};

const CLIENT: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
const QUERY_SECRET: &str = "sk-in-the-query";

/// Runs requests of several kinds, and returns the log and the headers of the upstream's requests.
async fn logged(tell: impl FnOnce(&mut Command)) -> (Vec<String>, Vec<HeaderMap>) {
    let (upstream, recorder) = Recorder::start().await;
    let folder = tempdir().unwrap();
    let keys = folder.path().join("keys");
    fs::write(&keys, CLIENT).unwrap();
    let mut gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.env_remove("GATEWAY_MODE").env_remove("RUST_LOG");
        command.arg("--client-keys").arg(&keys);
        tell(command);
    })
    .await;
    let bearer = format!("Bearer {CLIENT}");
    let path = format!("/v1/models?key={QUERY_SECRET}");
    for headers in [
        &[
            ("authorization", &*bearer),
            ("x-request-id", "of-the-client"),
        ][..],
        &[
            ("authorization", &bearer),
            ("user-agent", "a\"\tb"),
            ("x-request-id", "a b"),
        ],
        &[("authorization", "Bearer sk-wrong-key-0123456789")],
    ] {
        let (head, _) = Protocol::Http1.get(gateway.address(), &path, headers).await;
        assert!(head.headers.contains_key("x-request-id"));
    }
    Protocol::Http2
        .get(gateway.address(), "/healthz", &[])
        .await;
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));
    gateway.said("stopped").await;
    let log: Vec<_> = gateway.output().lines().map(str::to_owned).collect();
    for secret in [KEY, CLIENT, QUERY_SECRET, "sk-wrong"] {
        assert!(
            !log.iter().any(|line| line.contains(secret)),
            "{secret}: {log:?}"
        );
    }
    let seen = recorder.all().into_iter().map(|seen| seen.head.headers);
    (log, seen.collect())
}

#[tokio::test]
async fn each_request_has_a_line_of_text() {
    let (log, seen) = logged(|_| {}).await;
    for line in &log {
        let (time, rest) = line.split_once("Z ").unwrap();
        assert!(time.contains('T') && time.len() > 20, "{line}");
        assert!(
            [" INFO ", " WARN "]
                .iter()
                .any(|level| rest.starts_with(level)),
            "{line}"
        );
    }
    let lines: Vec<_> = log.iter().filter(|line| line.contains(" GET /")).collect();
    assert_eq!(lines.len(), 3, "a probe has none: {log:?}");
    let has = |line: &str, parts: &[&str]| parts.iter().all(|part| line.contains(part));
    let forwarded = [
        "200 GET /v1/models ",
        "ms client=",
        " key=",
        " upstream=http://127.0.0.1:",
    ];
    assert!(has(lines[0], &forwarded), "{}", lines[0]);
    assert!(
        lines[0].ends_with("request_id=of-the-client"),
        "{}",
        lines[0]
    );
    assert!(
        has(lines[1], &[r#"user_agent="a\"\tb""#, "peer=127.0.0.1"]),
        "{}",
        lines[1]
    );
    assert!(
        has(lines[2], &["401 GET /v1/models ", "reason=unknown"]),
        "{}",
        lines[2]
    );
    assert!(!lines[2].contains("upstream="), "{}", lines[2]);

    let ids: Vec<_> = seen
        .iter()
        .map(|headers| headers["x-request-id"].clone())
        .collect();
    assert_eq!(ids[0], "of-the-client");
    assert!(ids[1] != "a b" && lines[1].ends_with(ids[1].to_str().unwrap()));
}

#[tokio::test]
async fn json_log_has_an_object_on_each_line() {
    let (log, _) = logged(|command| {
        command.args(["--log-format", "json"]);
    })
    .await;
    let log: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let access: Vec<_> = log
        .iter()
        .filter(|line| line["target"] == "rotating_auth::access")
        .collect();
    assert_eq!(access.len(), 3, "{log:?}");
    assert_eq!(
        (&access[0]["status"], &access[2]["status"]),
        (&200.into(), &401.into())
    );
    assert_eq!(access[0]["path"], "/v1/models");
    assert!(access[0]["duration_ms"].is_f64() && access[0]["key"].is_string());
    assert_eq!(access[2]["reason"], "unknown");
    assert!(access[2]["upstream"].is_null() && access[2]["timestamp"].is_string());
}

#[tokio::test]
async fn rust_log_sets_the_levels() {
    let levels = |levels: &'static str| {
        move |command: &mut Command| {
            command.env("RUST_LOG", levels);
        }
    };
    let requests = |log: &[String]| log.iter().filter(|line| line.contains(" GET /")).count();
    let (log, _) = logged(levels("info,rotating_auth::access=off")).await;
    assert_eq!(requests(&log), 0);
    let (log, seen) = logged(levels("debug")).await;
    assert_eq!(requests(&log), 4, "with the probe: {log:?}");
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn repeated_warning_is_counted() {
    let upstream = closed_port().await;
    let mut gateway = Gateway::with_key(&format!("http://{upstream}"), |_| {}).await;
    for _ in 0..20 {
        let (head, _) = Protocol::Http1
            .get(gateway.address(), "/v1/models", &[])
            .await;
        assert_eq!(head.status, StatusCode::BAD_GATEWAY);
    }
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));
    gateway.said("times more: no response").await;
    let log = gateway.output();
    let warned = log.lines().filter(|line| line.contains("WARN"));
    assert!(warned.count() < 20, "{log}");
    assert_eq!(
        log.lines().filter(|line| line.contains("502 GET")).count(),
        20
    );
}

#[tokio::test]
async fn line_names_the_generations_that_were_sent() {
    let (upstream, _) = Recorder::answering(|seen| {
        use axum::response::IntoResponse as _;
        match seen.head.headers["authorization"]
            .as_bytes()
            .ends_with(b"sk-second-key")
        {
            true => StatusCode::OK.into_response(),
            false => StatusCode::UNAUTHORIZED.into_response(),
        }
    })
    .await;
    let folder = tempdir().unwrap();
    // Only a rejection has it run again.
    let program = folder.path().join("key");
    let script = "#!/bin/sh\ncd \"${0%/*}\"\nif [ -e ran ]; then echo sk-second-key; \
                  else echo sk-first-key; touch ran; fi\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let gateway = Gateway::start(|command| {
        command.args(["--upstream", &format!("http://{upstream}")]);
        command.arg(format!("--upstream-key=exec:{}", program.display()));
    })
    .await;
    let (head, _) = Protocol::Http1
        .get(gateway.address(), "/v1/models", &[])
        .await;
    assert_eq!(head.status, StatusCode::OK);
    let line = gateway.said("200 GET /v1/models").await;
    assert!(line.contains("upstream_key=\"replayed 1→2\""), "{line}");
}

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
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert!(body["dropped_log_lines"].as_u64().unwrap() > 0, "{body}");
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));
}
