//! The sources of the upstream's key that `--upstream-key` names.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use axum::response::IntoResponse as _;
use http::StatusCode;

use crate::gateway::harness::{Gateway, Recorder, ended};

const UPSTREAM: &str = "--upstream=https://api.example.com/v1";

/// An upstream that answers 200 to this key alone.
async fn upstream(key: &'static str) -> (String, Recorder) {
    let (address, recorder) = Recorder::answering(move |seen| {
        match seen.head.headers.get("authorization") {
            Some(sent) if sent == key => StatusCode::OK,
            _ => StatusCode::UNAUTHORIZED,
        }
        .into_response()
    })
    .await;
    (format!("http://{address}/v1"), recorder)
}

async fn status(gateway: &Gateway) -> StatusCode {
    reqwest::get(gateway.url("/v1/models"))
        .await
        .unwrap()
        .status()
}

#[tokio::test]
async fn command_is_a_source_that_hangups_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (key, program) = (folder.path().join("key"), folder.path().join("program"));
    fs::write(&key, "sk-1").unwrap();
    fs::write(&program, format!("#!/bin/sh\ncat {}\n", key.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let (base, _recorder) = upstream("Bearer sk-2").await;
    let gateway = Gateway::start(|command| {
        command.args(["--upstream", &base]);
        command
            .arg("--upstream-key")
            .arg(format!("exec:{}", program.display()));
    })
    .await;
    fs::write(&key, "sk-2").unwrap();
    gateway.hang_up().await;
    gateway.said("rotated").await;
    assert_eq!(status(&gateway).await, StatusCode::OK);
    assert!(!gateway.output().contains("sk-"), "{}", gateway.output());
}

#[tokio::test]
async fn endpoint_is_a_source_with_a_pointer() {
    let (keys, _recorder) =
        Recorder::answering(|_| r#"{"data":{"key":"sk-1"}}"#.into_response()).await;
    let (base, _recorder) = upstream("Bearer sk-1").await;
    let gateway = Gateway::start(|command| {
        command.args(["--upstream", &base]);
        command.env(
            "GATEWAY_UPSTREAM_KEY",
            format!("http://{keys}/key#/data/key"),
        );
    })
    .await;
    assert_eq!(status(&gateway).await, StatusCode::OK);
}

#[tokio::test]
async fn vault_is_a_source_with_its_own_variables() {
    let answer = r#"{"data":{"data":{"api_key":"sk-1"},"metadata":{"version":1}}}"#;
    let (vault, recorder) = Recorder::answering(move |_| answer.into_response()).await;
    let (base, _recorder) = upstream("Bearer sk-1").await;
    let gateway = Gateway::start(|command| {
        command.args(["--upstream", &base]);
        command.args(["--upstream-key", "vault:secret/openai#api_key"]);
        command.env("VAULT_ADDR", format!("http://{vault}"));
        command.env("VAULT_TOKEN", "root");
    })
    .await;
    assert_eq!(status(&gateway).await, StatusCode::OK);
    drop(recorder);
}

#[tokio::test]
async fn bad_source_is_not_repeated() {
    for (source, variables) in [
        ("sk-sentinel-7f3a", &[][..]),
        ("https://sk-sentinel-7f3a@keys.example.com", &[]),
        ("file:key", &[("OPENAI_API_KEY", "sk-sentinel-7f3a")]),
        ("env:A", &[("OPENAI_API_KEY_FILE", "key")]),
    ] {
        let (code, _, stderr) = ended([UPSTREAM, "--upstream-key", source], variables).await;
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains("--upstream-key"), "{stderr}");
        assert!(!stderr.contains("sk-sentinel"), "{stderr}");
    }
    let (code, _, stderr) = ended([UPSTREAM, "--upstream-key", "exec:/nonexistent"], &[]).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("could not be started"), "{stderr}");
}
