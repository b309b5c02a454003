//! Lines about failures and refusals: their levels, their format, and the client they name.
#![cfg(unix)]

use std::fs;

use http::StatusCode;
use serde_json::Value;
use tempfile::tempdir;

use crate::gateway::config::{Folder, applied, configured};
use crate::gateway::harness::{Gateway, Protocol, Recorder, closed_port, ended, soon};
use crate::gateway::upstream::streaming::held_stream;

const CLIENT: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
const UPSTREAM: &str = "--upstream=https://api.example.com";

#[tokio::test]
async fn failed_refresh_is_a_warning() {
    let folder = tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, "sk-first-key").unwrap();
    let gateway = Gateway::start(|command| {
        command.args([UPSTREAM, "--poll-interval=1", "--log-format=json"]);
        command.arg("--upstream-key-file").arg(&key);
    })
    .await;
    fs::remove_file(&key).unwrap();
    let line = gateway.said("refresh failed").await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["level"], "WARN", "{line}");
}

#[tokio::test]
async fn rejected_key_is_a_warning() {
    let (upstream, _) = Recorder::answering(|_| {
        use axum::response::IntoResponse as _;
        StatusCode::UNAUTHORIZED.into_response()
    })
    .await;
    let gateway = Gateway::before(upstream).await;
    for _ in 0..3 {
        Protocol::Http1
            .get(gateway.address(), "/v1/models", &[])
            .await;
    }
    let line = gateway.said("rejected: upstream rejected").await;
    assert!(line.contains(" WARN "), "{line}");
}

#[tokio::test]
async fn every_reload_and_rotation_has_a_line() {
    let folder = Folder::new("upstream = \"https://a.example\"\nupstream_key_file = \"DIR/key\"\n");
    folder.write("key", "sk-1");
    let text = fs::read_to_string(folder.config()).unwrap();
    let mut gateway = configured(&folder.config()).await;
    for reload in 1..=3 {
        folder.write("gateway.toml", &format!("{text}max_requests = {reload}\n"));
        applied(&gateway, reload, 0).await;
    }
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));
    gateway.said("stopped").await;
    let log = gateway.output();
    let reloads = log
        .lines()
        .filter(|line| line.contains("configuration reloaded") && line.contains(" INFO "));
    assert_eq!(reloads.count(), 3, "{log}");
    assert!(!log.contains("times more: configuration reloaded"), "{log}");
}

#[tokio::test]
async fn failed_start_is_an_object_in_a_json_log() {
    let invalid = Folder::new("max_requests = 0\n");
    let invalid = format!("--config={}", invalid.config().display());
    let unusable = [UPSTREAM, "--upstream-key-file=/nonexistent/key"];
    for (arguments, wanted) in [(&unusable[..], 1), (&[&*invalid], 2)] {
        let arguments = arguments.iter().copied().chain(["--log-format=json"]);
        let (code, _, stderr) = ended(arguments, &[]).await;
        assert_eq!(code, Some(wanted), "{stderr}");
        let lines: Vec<Value> = stderr
            .lines()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect();
        let last = lines.last().unwrap();
        assert_eq!(last["level"], "ERROR", "{stderr}");
        assert!(last["message"].is_string() && last["timestamp"].is_string());
    }
}

#[tokio::test]
async fn dropped_lines_are_an_object_in_a_json_log() {
    /// More lines than a pipe and the queue behind it take.
    const LINES: usize = 6000;

    let upstream = closed_port().await;
    let mut gateway = Gateway::with_stalled_stderr(&format!("http://{upstream}"), |command| {
        command.arg("--log-format=json");
    })
    .await;
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
    gateway.read_stderr();
    let line = gateway.said("log lines, because nobody read").await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["level"], "WARN", "{line}");
}

#[tokio::test]
async fn refused_request_names_its_client() {
    let (upstream, events) = held_stream().await;
    let folder = Folder::new(&format!(
        "mode = \"production\"\nclient_keys = \"DIR/clients\"\nmax_requests = 1\n\
         [[upstream]]\npath = \"/a\"\nurl = \"http://{upstream}\"\nkey_file = \"DIR/key\"\n"
    ));
    folder.write("key", "sk-1");
    folder.write("clients", CLIENT);
    let gateway = Gateway::start(|command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--config").arg(folder.config());
    })
    .await;
    let client = reqwest::Client::new();
    let ask = async |path: &str| {
        let request = client.get(gateway.url(path)).bearer_auth(CLIENT);
        soon(request.send()).await.unwrap()
    };
    let stream = ask("/a/v1/events").await;
    assert_eq!(stream.status(), StatusCode::OK);
    for (path, wanted) in [
        ("/a/v1/models", StatusCode::SERVICE_UNAVAILABLE),
        ("/b/v1/models", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(ask(path).await.status(), wanted);
        let line = gateway
            .said(&format!("{} GET {path}", wanted.as_u16()))
            .await;
        assert!(
            line.contains(" client=") && line.contains(" key="),
            "{line}"
        );
        assert!(!line.contains(" upstream="), "{line}");
    }
    drop(events);
}
