//! The demo: what a newcomer sees.

use http::StatusCode;
use serde_json::Value;

use crate::gateway::harness::{Gateway, demo_ended, soon};

/// Asks the demo for a completion, as its `curl` line does.
struct Client {
    http: reqwest::Client,
    url: String,
    bearer: String,
}

impl Client {
    async fn of(demo: &Gateway) -> Self {
        let curl = demo.said("curl ").await;
        let (_, key) = curl.split_once(" -H 'Authorization: Bearer ").unwrap();
        let (key, _) = key.split_once('\'').unwrap();
        assert!(key.starts_with("trk_"), "{curl}");
        Self {
            http: reqwest::Client::new(),
            url: demo.url("/v1/chat/completions"),
            bearer: format!("Bearer {key}"),
        }
    }

    async fn ask(&self, stream: bool) -> reqwest::Response {
        let body = format!(
            r#"{{"model":"demo","stream":{stream},"messages":[{{"role":"user","content":"hi"}}]}}"#
        );
        let request = self.http.post(&self.url).body(body);
        let request = request.header("content-type", "application/json");
        let request = request.header("authorization", &self.bearer);
        let answer = soon(request.send()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer
    }
}

#[tokio::test]
async fn demo_answers_through_rotations_and_hides_its_keys() {
    let demo = Gateway::demo(|command| {
        command.env("OPENAI_API_BASE_URL", "http://127.0.0.1:1/v1");
        command.env("OPENAI_API_KEY", "sk-ignored");
        command.env("OPENAI_API_KEY_FILE", "/ignored");
        command.env("CLIENT_KEYS", "ignored");
    })
    .await;
    let listening = demo.said("listening on http://").await;
    assert_eq!(listening, format!("listening on {}", demo.url("")));
    for name in ["OPENAI_API_BASE_URL", "OPENAI_API_KEY_FILE", "GATEWAY_MODE"] {
        demo.said(&format!("the demo ignores {name}")).await;
    }
    let client = Client::of(&demo).await;
    let plain = client.ask(false).await.bytes().await.unwrap();
    let plain: Value = serde_json::from_slice(&plain).unwrap();
    let said = plain["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(said.contains("You said: hi."), "{said}");

    let stream = soon(client.ask(true).await.bytes()).await.unwrap(); // lasts longer than a key does
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
    client.ask(false).await;

    assert!(!demo.output().contains("sk-"), "{}", demo.output());
    assert_eq!(demo.output().matches("trk_").count(), 1, "printed once");
}

#[tokio::test]
async fn demo_prints_a_line_for_each_request() {
    let demo = Gateway::demo(|_| {}).await;
    let client = Client::of(&demo).await;
    client.ask(false).await;
    demo.said("200  key ").await;
    // One of these falls between the upstream's switch and the new key file.
    let ask = async {
        while !demo.output().contains("rejected, replayed with key ") {
            client.ask(false).await;
        }
    };
    soon(ask).await;
    let output = demo.output();
    let replays = output.lines().filter_map(|line| {
        let keys = line.strip_prefix("200  key ")?;
        keys.split_once(" rejected, replayed with key ")
    });
    for (rejected, accepted) in replays {
        let [rejected, accepted] = [rejected, accepted].map(|n| n.parse::<u64>().unwrap());
        assert_eq!(rejected + 1, accepted, "{output}");
    }
    let refused = soon(reqwest::get(demo.url("/v1/models"))).await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    demo.said("401  refused: the client key is missing or wrong")
        .await;
}

#[tokio::test]
async fn demo_sums_up_rotations_that_no_request_noticed() {
    let demo = Gateway::demo(|_| {}).await;
    demo.said("3 rotations, no request noticed").await;
}

#[tokio::test]
async fn demo_curl_answer_fits_a_screen() {
    let demo = Gateway::demo(|_| {}).await;
    let curl = demo.said("curl ").await;
    assert!(curl.starts_with("curl -s "), "{curl}");
    assert!(curl.contains(&demo.url("/v1/chat/completions")), "{curl}");
    assert!(!curl.contains('|') && !curl.contains("stream"), "{curl}");
    let client = Client::of(&demo).await;
    let answer = client.ask(false).await.bytes().await.unwrap();
    let answer = String::from_utf8(answer.to_vec()).unwrap();
    assert!(
        answer.ends_with('\n') && answer.lines().count() <= 24,
        "{answer}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn demo_prints_the_total_on_ctrl_c() {
    let mut demo = Gateway::demo(|_| {}).await;
    let client = Client::of(&demo).await;
    client.ask(false).await;
    client.ask(true).await.bytes().await.unwrap();
    soon(reqwest::get(demo.url("/v1/models"))).await.unwrap();
    soon(reqwest::get(demo.url("/healthz"))).await.unwrap();
    demo.interrupt().await;
    assert_eq!(demo.exit_code().await, Some(0));
    let total = demo.said("3 requests, ").await;
    let replayed = demo.output().matches("replayed with key").count();
    let wanted = format!("3 requests, {replayed} replayed, 0 failed, 1 refused");
    assert_eq!(total, wanted);
}

#[tokio::test]
async fn demo_takes_no_upstream_and_no_client_keys() {
    for option in ["--upstream=https://api.example.com", "--client-keys=file"] {
        let (code, stdout, stderr) = demo_ended([option]).await;
        assert_eq!((code, &*stdout), (Some(2), ""), "{stderr}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn demo_removes_its_key_file_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Gateway::demo(|command| {
        command.env("TMPDIR", folder.path());
    })
    .await;
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files(), 1);
    demo.terminate().await;
    assert_eq!(demo.exit_code().await, Some(0));
    assert_eq!(files(), 0);
}
