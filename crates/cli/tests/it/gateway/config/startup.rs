//! The start of a gateway, before it serves.

use http::StatusCode;

use super::{Folder, configured, readyz, status};
use crate::gateway::harness::{Gateway, Recorder, default_mode, ended};

const CLIENT: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";

#[tokio::test]
async fn startup_says_what_runs() {
    let (upstream, _recorder) = Recorder::start().await;
    let folder = Folder::new(&format!(
        "[[upstream]]\nname = \"a\"\npath = \"/a\"\nurl = \"http://{upstream}/v1\"\nkey_file = \"DIR/a\"\n\
         [[upstream]]\nname = \"b\"\nurl = \"http://{upstream}\"\nheader = \"x-api-key\"\nkey = \"file:DIR/b\"\n"
    ));
    folder.write("a", "sk-a");
    folder.write("b", "sk-b");
    folder.write("clients", CLIENT);
    let gateway = Gateway::start(|command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--config").arg(folder.config());
        command.arg("--client-keys").arg(folder.path("clients"));
    })
    .await;
    let output = gateway.output();
    let dir = folder.path("");
    let dir = dir.to_str().unwrap().trim_end_matches('/');
    for line in [
        "mode: production".to_owned(),
        format!(
            "upstream a on /a: http://{upstream}/v1, key from {dir}/a in authorization (Bearer)"
        ),
        format!("upstream b on /: http://{upstream}, key from {dir}/b in x-api-key"),
        format!("client keys: 1 active; from {dir}/clients"),
    ] {
        assert!(output.contains(&line), "{line}: {output}");
    }
    assert!(
        !output.contains("sk-") && !output.contains(CLIENT),
        "{output}"
    );
}

#[tokio::test]
async fn cleartext_on_a_network_needs_its_option() {
    let upstream = "--upstream=https://api.example.com";
    let variables = [("OPENAI_API_KEY", "sk-1"), ("CLIENT_KEYS", CLIENT)];
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        let arguments = ["--listen", address, upstream];
        let (code, _, stderr) = default_mode(arguments, &variables).await;
        assert_eq!(code, Some(2), "{address}: {stderr}");
        assert!(stderr.contains("--allow-cleartext"), "{stderr}");
    }
    let gateway = Gateway::start(|command| {
        command.env_remove("GATEWAY_MODE").envs(variables);
        command.args([upstream, "--listen=0.0.0.0:0", "--allow-cleartext"]);
    })
    .await;
    assert_eq!(
        status(&gateway, "/v1/models").await,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn gateway_waits_for_keys_of_a_sidecar() {
    let (upstream, recorder) = Recorder::start().await;
    let folder = Folder::new(&format!(
        "wait_for_key = 60\nupstream = \"http://{upstream}\"\nupstream_key_file = \"DIR/key\"\n"
    ));
    let mut gateway = Gateway::waiting(|command| {
        command.arg("--config").arg(folder.config());
    })
    .await;
    let (code, body) = readyz(&gateway).await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["status"], "waiting for keys");
    assert_eq!(status(&gateway, "/healthz").await, StatusCode::OK);
    let refused = status(&gateway, "/v1/models").await;
    assert_eq!(refused, StatusCode::SERVICE_UNAVAILABLE);
    folder.write("key", "sk-1");
    gateway.said("listening on ").await;
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
    assert_eq!(readyz(&gateway).await.0, StatusCode::OK);
    assert_eq!(recorder.only().head.headers["authorization"], "Bearer sk-1");
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn gateway_waits_for_client_keys() {
    let (upstream, _recorder) = Recorder::start().await;
    let folder = Folder::new(&format!(
        "mode = \"production\"\nwait_for_key = 60\nclient_keys = \"DIR/clients\"\n\
         upstream = \"http://{upstream}\"\nupstream_key_file = \"DIR/key\"\n"
    ));
    folder.write("key", "sk-1");
    let gateway = Gateway::waiting(|command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--config").arg(folder.config());
    })
    .await;
    assert_eq!(readyz(&gateway).await.1["status"], "waiting for keys");
    folder.write("clients", CLIENT);
    gateway.said("listening on ").await;
    let asked = reqwest::Client::new().get(gateway.url("/v1/models"));
    let answer = asked.bearer_auth(CLIENT).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn rejection_rule_of_a_table_applies() {
    use std::os::unix::fs::PermissionsExt as _;

    use axum::response::IntoResponse as _;

    let (upstream, _recorder) = Recorder::answering(|seen| {
        match seen.head.headers["authorization"] == "Bearer sk-second-key" {
            true => StatusCode::OK.into_response(),
            false => StatusCode::FORBIDDEN.into_response(),
        }
    })
    .await;
    let table = |name: &str, rule: &str| {
        format!(
            "[[upstream]]\nname = \"{name}\"\npath = \"/{name}\"\nurl = \"http://{upstream}\"\n\
             key = \"exec:DIR/{name}/key\"\n{rule}"
        )
    };
    let rule = "rejected_by = [\"403\"]\n";
    let folder = Folder::new(&(table("a", rule) + &table("b", "")));
    for name in ["a", "b"] {
        std::fs::create_dir(folder.path(name)).unwrap();
        // Only a rejection has it run again.
        let script = "#!/bin/sh\ncd \"${0%/*}\"\nif [ -e ran ]; then echo sk-second-key; \
                      else echo sk-first-key; touch ran; fi\n";
        let program = format!("{name}/key");
        folder.write(&program, script);
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path(program), mode).unwrap();
    }
    let gateway = configured(&folder.config()).await;
    assert_eq!(status(&gateway, "/a/v1").await, StatusCode::OK);
    assert_eq!(status(&gateway, "/b/v1").await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn gateway_gives_up_on_a_missing_key() {
    let folder = Folder::new("upstream = \"https://a.example\"\nupstream_key_file = \"DIR/key\"\n");
    let file = folder.config();
    let arguments = [
        "--config",
        file.to_str().unwrap(),
        "--wait-for-key=0.2",
        "--listen=127.0.0.1:0",
    ];
    let (code, _, stderr) = ended(arguments, &[]).await;
    assert_eq!(code, Some(1), "{stderr}");
    let mut waiting = Gateway::waiting(|command| {
        command.arg("--config").arg(&file);
        command.arg("--wait-for-key=60");
    })
    .await;
    waiting.terminate().await;
    assert_eq!(waiting.exit_code().await, Some(0), "a signal ends the wait");
}

#[tokio::test]
async fn one_failing_upstream_of_two_is_degraded() {
    use axum::response::IntoResponse as _;
    let (good, _recorder) = Recorder::start().await;
    let (bad, _recorder) = Recorder::answering(|_| StatusCode::UNAUTHORIZED.into_response()).await;
    let folder = Folder::new(&format!(
        "[[upstream]]\nname = \"good\"\npath = \"/good\"\nurl = \"http://{good}\"\nkey_file = \"DIR/key\"\n\
         [[upstream]]\nname = \"bad\"\npath = \"/bad\"\nurl = \"http://{bad}\"\nkey_file = \"DIR/key\"\n"
    ));
    folder.write("key", "sk-1");
    let gateway = configured(&folder.config()).await;
    for _ in 0..3 {
        assert_eq!(status(&gateway, "/bad/v1").await, StatusCode::BAD_GATEWAY);
    }
    let (code, body) = readyz(&gateway).await;
    assert_eq!(
        (code, &body["status"]),
        (StatusCode::OK, &"degraded".into())
    );
    let usable: Vec<_> = body["upstreams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["usable"].clone())
        .collect();
    assert_eq!(
        usable.iter().filter(|usable| **usable == true).count(),
        1,
        "{body}"
    );
}
