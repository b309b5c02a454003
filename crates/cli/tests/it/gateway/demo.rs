//! What somebody sees who starts the program for the first time.

use http::StatusCode;
use serde_json::Value;

use super::harness::{Gateway, soon};

#[tokio::test]
async fn it_shows_a_rotation_that_no_request_notices() {
    let mut gateway = Gateway::demo(|command| {
        command.env_remove("GATEWAY_MODE");
        command.env("OPENAI_API_BASE_URL", "http://127.0.0.1:1/v1");
        command.env("OPENAI_API_KEY", "sk-ignored");
        command.env("OPENAI_API_KEY_FILE", "/ignored");
        command.env("CLIENT_KEYS", "ignored");
    })
    .await;
    let listening = gateway.said("listening on http://").await;
    let curl = gateway.said("curl ").await;
    assert_eq!(listening, format!("listening on {}", gateway.url("")));
    assert!(curl.starts_with("curl -N "), "{curl}");
    assert!(
        curl.contains(&gateway.url("/v1/chat/completions")),
        "{curl}"
    );

    let (_, key) = curl.split_once(" -H 'Authorization: Bearer ").unwrap();
    let key = key.strip_suffix('\'').unwrap();
    assert!(key.starts_with("trk_"), "{curl}");
    let bearer = format!("Bearer {key}");

    let client = reqwest::Client::new();
    let ask = async |stream: bool| {
        let body = format!(
            r#"{{"model":"demo","stream":{stream},"messages":[{{"role":"user","content":"hi"}}]}}"#
        );
        let request = client
            .post(gateway.url("/v1/chat/completions"))
            .header("content-type", "application/json")
            .header("authorization", &bearer)
            .body(body);
        let answer = soon(request.send()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer
    };
    let models = || client.get(gateway.url("/v1/models"));
    let without = soon(models().send()).await.unwrap();
    assert_eq!(without.status(), StatusCode::UNAUTHORIZED);
    let models = soon(models().header("x-api-key", key).send())
        .await
        .unwrap();
    let models: Value = serde_json::from_slice(&models.bytes().await.unwrap()).unwrap();
    assert_eq!(models["data"][0]["id"], "demo");

    let plain = ask(false).await.bytes().await.unwrap();
    let plain: Value = serde_json::from_slice(&plain).unwrap();
    let said = plain["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(said.contains("You said: hi."), "{said}");

    let stream = soon(ask(true).await.bytes()).await.unwrap(); // lasts longer than a key does
    let stream = String::from_utf8(stream.to_vec()).unwrap();
    let streamed: String = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: {"))
        .map(|chunk| serde_json::from_str(&format!("{{{chunk}")).unwrap())
        .filter_map(|chunk: Value| {
            Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned())
        })
        .collect();
    assert!(streamed.starts_with("You said: hi. "), "{streamed}");
    assert!(stream.trim_end().ends_with("data: [DONE]"), "{stream}");
    gateway.said("rotated").await;
    ask(false).await;

    assert!(!gateway.output().contains("sk-"), "{}", gateway.output());
    assert_eq!(gateway.output().matches("trk_").count(), 1, "told once");
    #[cfg(unix)]
    {
        gateway.terminate().await;
        assert_eq!(gateway.exit_code().await, Some(0));
    }
}

#[tokio::test]
async fn it_says_which_variables_it_does_not_use() {
    let gateway = Gateway::demo(|command| {
        command.env("OPENAI_API_BASE_URL", "http://127.0.0.1:1/v1");
    })
    .await;
    for name in ["OPENAI_API_BASE_URL", "GATEWAY_MODE"] {
        gateway.said(&format!("{name} is not used")).await;
    }
    let answer = soon(reqwest::get(gateway.url("/v1/models"))).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED); // though the variable says development
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_key_file_of_the_demo_is_gone_when_the_program_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = Gateway::demo(|command| {
        command.env("TMPDIR", folder.path());
    })
    .await;
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files(), 1);
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));
    assert_eq!(files(), 0);
}
