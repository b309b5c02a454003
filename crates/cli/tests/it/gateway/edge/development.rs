//! Development mode: for this machine's own programs and pages, and for a while.

use http::StatusCode;
use serde_json::Value;

use crate::gateway::harness::{Gateway, KEY, Protocol, Recorder, default_mode, ended};

#[tokio::test]
async fn development_mode_serves_this_machine_alone() {
    let (upstream, recorder) = Recorder::start().await;
    let app = "https://app.example.com";
    let gateway = Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.args(["--cors", app]);
    })
    .await;
    let cross_site = ("sec-fetch-site", "cross-site");
    for protocol in Protocol::BOTH {
        for (target, headers, wanted) in [
            ("/v1/models", &[][..], StatusCode::OK),
            ("http://127.0.0.1:8080/v1/models", &[], StatusCode::OK),
            (
                "http://rebound.example/v1/models",
                &[],
                StatusCode::FORBIDDEN,
            ),
            (
                "/v1/models",
                &[("origin", "http://localhost:3000")],
                StatusCode::OK,
            ),
            ("/v1/models", &[("origin", app), cross_site], StatusCode::OK),
            (
                "/v1/models",
                &[("origin", "https://evil.example")],
                StatusCode::FORBIDDEN,
            ),
            ("/v1/models", &[("origin", "null")], StatusCode::FORBIDDEN),
            ("/v1/models", &[cross_site], StatusCode::FORBIDDEN),
        ] {
            let before = recorder.all().len();
            let (head, body) = protocol.get(gateway.address(), target, headers).await;
            assert_eq!(head.status, wanted, "{protocol:?} {target} {headers:?}");
            let passed = recorder.all().len() - before;
            assert_eq!(passed, usize::from(wanted == StatusCode::OK));
            if wanted == StatusCode::FORBIDDEN {
                let body: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(body["error"]["code"], "not_local");
            }
        }
    }
    let rebound = [("host", "rebound.example")];
    let (head, _) = Protocol::Http1
        .get(gateway.address(), "/v1/models", &rebound)
        .await;
    assert_eq!(head.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn development_mode_lets_no_page_of_any_origin_in() {
    let arguments = ["--upstream=https://api.example.com", "--cors=*"];
    let (code, _, stderr) = ended(arguments, &[("OPENAI_API_KEY", KEY)]).await;
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("--cors"), "{stderr}");
}

#[tokio::test]
async fn development_for_a_while_ends_with_code_0() {
    let (upstream, recorder) = Recorder::start().await;
    let mut gateway = Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.env("CLIENT_KEYS", "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
        command.args(["--development-for", "2s"]);
    })
    .await;
    let (head, _) = Protocol::Http1
        .get(gateway.address(), "/v1/models", &[])
        .await;
    assert_eq!(head.status, StatusCode::OK, "no key is needed");
    assert_eq!(recorder.all().len(), 1);
    assert_eq!(gateway.exit_code().await, Some(0));
    gateway.said("the time of --development-for is over").await;
}

#[tokio::test]
async fn development_for_takes_no_other_mode() {
    let key = [("OPENAI_API_KEY", KEY)];
    for arguments in [
        &["--development-for=1h", "--mode=production"][..],
        &["--development-for=1h", "--listen=0.0.0.0:0"],
        &["--development-for=0s"],
        &["--development-for=60"],
    ] {
        let arguments = [&["--upstream=https://api.example.com"], arguments].concat();
        let (code, _, stderr) = default_mode(&arguments, &key).await;
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    }
}
