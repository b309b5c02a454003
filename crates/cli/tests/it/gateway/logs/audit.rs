//! The audit file, and metrics.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::tempdir;

use crate::PROGRAM;
use crate::gateway::harness::{Gateway, Recorder, default_mode};

fn text(line: &Value, field: &str) -> String {
    line[field].as_str().unwrap_or_default().to_owned()
}

#[cfg(unix)]
#[tokio::test]
async fn audit_file_has_uses_and_refusals() {
    let (upstream, _recorder) = Recorder::start().await;
    let folder = tempdir().unwrap();
    let (keys, audit) = (
        folder.path().join("clients.toml"),
        folder.path().join("audit.jsonl"),
    );
    let key = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        let output = command
            .arg("key")
            .args(arguments)
            .arg("--file")
            .arg(&keys)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let (token, revoked) = (
        key(&["issue", "--client", "batch"]),
        key(&["issue", "--client", "web"]),
    );
    key(&["revoke", "--client", "web"]);
    let mut gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.env_remove("GATEWAY_MODE");
        command
            .arg("--client-keys")
            .arg(&keys)
            .arg("--audit-file")
            .arg(&audit);
        command.args(["--admin-listen", "127.0.0.1:0"]);
    })
    .await;
    let client = reqwest::Client::new();
    for (token, status) in [(&token, 200), (&token, 200), (&revoked, 401)] {
        let request = client
            .get(gateway.url("/v1/models?secret=1"))
            .bearer_auth(token);
        let answer = request
            .header("x-request-id", "req-1")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
    }
    let metrics = client
        .get(gateway.url("/metrics"))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    let body = metrics.text().await.unwrap();
    assert!(
        !body.contains("rotating_auth_"),
        "the listener of clients serves no metrics"
    );
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));

    let written = fs::read_to_string(&audit).unwrap();
    let lines: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of_clients = lines.iter().filter(|line| line.get("client").is_some());
    let seen: Vec<_> = of_clients
        .map(|line| ["event", "client", "reason", "route", "method"].map(|field| text(line, field)))
        .collect();
    assert_eq!(
        seen,
        [
            ["used", "batch", "", "/v1/models", "GET"],
            ["refused", "web", "revoked", "/v1/models", "GET"],
        ]
    );
    assert!(
        lines
            .iter()
            .all(|line| line["peer"].is_null() || text(line, "peer").contains("127.0.0.1"))
    );
    assert!(
        ![&token, &revoked]
            .iter()
            .any(|token| written.contains(*token)),
        "{written}"
    );
}

#[tokio::test]
async fn unusable_audit_file_stops_the_start() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let audit = file.join("audit.jsonl");
    let arguments = [
        "--upstream",
        "https://api.example",
        "--mode",
        "development",
        "--audit-file",
    ];
    let arguments = arguments
        .map(Into::into)
        .into_iter()
        .chain([audit.into_os_string()]);
    let variables = [
        ("OPENAI_API_KEY", "sk-1"),
        ("GATEWAY_LISTEN", "127.0.0.1:0"),
    ];
    let (code, _, errors) = default_mode(arguments, &variables).await;
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("--audit-file"), "{errors}");
}
