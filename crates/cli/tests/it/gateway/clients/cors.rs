//! Cross-origin requests.

use http::{HeaderMap, Method, StatusCode};

use crate::gateway::harness::{Gateway, KEY, Recorder, ended, soon};

const CLIENT: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
const APP: &str = "https://app.example.com";
const OTHER: &str = "https://other.example.com";

async fn ask(
    gateway: &Gateway,
    method: Method,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap) {
    let url = gateway.url("/v1/chat/completions");
    let mut request = reqwest::Client::new().request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = soon(request.send()).await.unwrap();
    (answer.status(), answer.headers().clone())
}

async fn guarded(base: &str, arguments: &[&str]) -> Gateway {
    Gateway::with_key(base, |command| {
        command.env_remove("GATEWAY_MODE");
        command.env("CLIENT_KEYS", CLIENT).args(arguments);
    })
    .await
}

#[tokio::test]
async fn cors_allows_only_named_origins() {
    let (upstream, recorder) = Recorder::start().await;
    let both = ["--cors", "http://localhost:3000", "--cors", APP];
    let gateway = guarded(&format!("http://{upstream}/v1"), &both).await;
    for (origin, allowed) in [(APP, Some(APP)), (OTHER, None)] {
        let preflight = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            (
                "access-control-request-headers",
                "authorization,content-type",
            ),
        ];
        let (status, headers) = ask(&gateway, Method::OPTIONS, &preflight).await;
        assert_eq!(status, StatusCode::OK);
        let allow_origin = headers.get("access-control-allow-origin");
        assert_eq!(allow_origin.map(|value| value.to_str().unwrap()), allowed);
        if allowed.is_some() {
            let named = &headers["access-control-allow-headers"];
            assert_eq!(named, "authorization,content-type");
            assert_eq!(headers["access-control-allow-methods"], "POST");
        }
        assert!(recorder.all().is_empty());

        let (status, headers) = ask(&gateway, Method::POST, &[("origin", origin)]).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(headers.contains_key("www-authenticate"));
        let allow_origin = headers.get("access-control-allow-origin");
        assert_eq!(allow_origin.map(|value| value.to_str().unwrap()), allowed);
        assert!(recorder.all().is_empty());
    }
    let with_a_key = [("origin", APP), ("x-api-key", CLIENT)];
    let (status, headers) = ask(&gateway, Method::POST, &with_a_key).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["access-control-allow-origin"], APP);
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("www-authenticate"), "{exposed}");
    assert_eq!(recorder.all().len(), 1);
}

#[tokio::test]
async fn cors_defaults_to_none_and_star_allows_any() {
    let (upstream, _) = Recorder::start().await;
    for (arguments, allowed) in [(&["--cors", "*"][..], Some("*")), (&[], None)] {
        let gateway = guarded(&format!("http://{upstream}/v1"), arguments).await;
        let with_a_key = [("origin", APP), ("x-api-key", CLIENT)];
        let (status, headers) = ask(&gateway, Method::POST, &with_a_key).await;
        assert_eq!(status, StatusCode::OK);
        let allow_origin = headers.get("access-control-allow-origin");
        assert_eq!(allow_origin.map(|value| value.to_str().unwrap()), allowed);
    }
}

#[tokio::test]
async fn invalid_cors_origin_exits_with_2() {
    for origin in [
        "app.example.com",
        "https://app.example.com/",
        "https://app.example.com/a",
        "https://App.example.com",
        "https://user@app.example.com",
        "null",
        "",
    ] {
        let arguments = [
            "--listen=127.0.0.1:0",
            "--upstream=https://api.example.com/v1",
            "--cors",
            origin,
        ];
        let (code, _, stderr) = ended(arguments, &[("OPENAI_API_KEY", KEY)]).await;
        assert_eq!(code, Some(2), "{origin}: {stderr}");
        assert!(stderr.contains("--cors"), "{stderr}");
        assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    }
}
