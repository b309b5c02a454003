//! Authentication of clients.

use std::fs;
use std::path::{Path, PathBuf};

use http::{Method, StatusCode};
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir, tempdir};
use tower_rotating_auth::inbound::KeyDigest;

use crate::gateway::harness::{Gateway, KEY, Recorder, default_mode, ended, soon};

const ONE: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
const TWO: &str = "two-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
const UPSTREAM: &str = "--upstream=https://api.example.com/v1";

/// Keys in a file, written as a careful operator does.
struct KeyFile {
    path: PathBuf,
    folder: TempDir,
}

impl KeyFile {
    fn new(text: &str) -> Self {
        let folder = tempdir().unwrap();
        let path = folder.path().join("clients");
        let file = Self { path, folder };
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        let file = NamedTempFile::new_in(&self.folder).unwrap();
        fs::write(&file, text).unwrap();
        file.persist(&self.path).unwrap();
    }
}

/// A key file: each key with what else is said of it.
fn toml(keys: &[(&str, &str)]) -> String {
    let mut text = "version = 1\n[[client]]\nid = \"c\"\n".to_owned();
    for (n, (key, more)) in keys.iter().enumerate() {
        let digest = KeyDigest::of(key.as_bytes()).to_text();
        text += &format!("[[key]]\nid = \"k{n}\"\nclient = \"c\"\ndigest = \"{digest}\"\n{more}\n");
    }
    text
}

async fn guarded(base: &str, keys: &Path, arguments: &[&str]) -> Gateway {
    Gateway::with_key(base, |command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--client-keys").arg(keys).args(arguments);
    })
    .await
}

async fn ask(
    gateway: &Gateway,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> reqwest::Response {
    let mut request = reqwest::Client::new().request(method, gateway.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    soon(request.send()).await.unwrap()
}

async fn status_with(gateway: &Gateway, key: &str) -> StatusCode {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", &*bearer)];
    ask(gateway, Method::GET, "/v1/models", &headers)
        .await
        .status()
}

/// Returns the state of the clients' keys in `/readyz`.
async fn client_keys(gateway: &Gateway) -> Value {
    let answer = ask(gateway, Method::GET, "/readyz", &[]).await;
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let sources = body["sources"].as_array().unwrap();
    let named = |source: &&Value| source["name"] == "client-keys";
    sources.iter().find(named).unwrap().clone()
}

#[tokio::test]
async fn missing_client_keys_exit_with_2() {
    for variables in [
        &[("OPENAI_API_KEY", KEY)][..],
        &[("OPENAI_API_KEY", KEY), ("CLIENT_KEYS", "")],
        &[("OPENAI_API_KEY", KEY), ("GATEWAY_MODE", "mixed")],
    ] {
        let (code, stdout, stderr) = default_mode([UPSTREAM], variables).await;
        assert_eq!((code, &*stdout), (Some(2), ""), "{stderr}");
        assert!(stderr.contains("no client keys"), "{stderr}");
        assert!(stderr.contains("--client-keys"), "{stderr}");
        assert!(stderr.contains("CLIENT_KEYS"), "{stderr}");
        assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    }
}

#[tokio::test]
async fn unusable_client_key_file_exits_with_1() {
    let expired = toml(&[(ONE, "not_after = \"2020-01-01T00:00:00Z\"")]);
    let future = toml(&[(ONE, "not_before = \"2120-01-01T00:00:00Z\"")]);
    let known = toml(&[("changeme", "")]);
    let plain = format!("version = 1\n[[key]]\nid = \"k\"\nclient = \"c\"\ntoken = \"{ONE}\"\n");
    for (keys, why) in [
        ("", "empty"),
        (" \n", "empty"),
        ("version = 1\n", "no key in the set"),
        (&*expired, "expired or is revoked"),
        (&*future, "no key is valid yet"),
        (&*known, "everybody knows"),
        ("sk-1234\n", "everybody knows"),
        (&*plain, "does not belong here"),
    ] {
        let file = KeyFile::new(keys);
        let path = file.path.to_str().unwrap();
        for mode in ["production", "mixed"] {
            let arguments = [
                "--listen=127.0.0.1:0",
                UPSTREAM,
                "--client-keys",
                path,
                "--mode",
                mode,
            ];
            let (code, stdout, stderr) = ended(arguments, &[("OPENAI_API_KEY", KEY)]).await;
            assert_eq!((code, &*stdout), (Some(1), ""), "{keys}: {stderr}");
            assert!(stderr.contains(why) && stderr.contains(path), "{stderr}");
            assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
            assert!(!stderr.contains(ONE), "{stderr}");
        }
    }
}

#[tokio::test]
async fn unusable_client_keys_variable_exits_with_1() {
    let weak = &ONE[..12];
    for (keys, why) in [
        (" ", "is empty"),
        (",", "no key in the set"),
        ("sk-1234", "everybody knows"),
        (weak, "too weak"),
        ("${CLIENT_KEY}", "placeholder"),
    ] {
        let variables = [("OPENAI_API_KEY", KEY), ("CLIENT_KEYS", keys)];
        let (code, _, stderr) = default_mode(["--listen=127.0.0.1:0", UPSTREAM], &variables).await;
        assert_eq!(code, Some(1), "{keys}: {stderr}");
        assert!(stderr.contains("CLIENT_KEYS"), "{stderr}");
        assert!(stderr.contains(why), "{keys}: {stderr}");
        assert!(!stderr.contains(weak), "{stderr}");
    }
}

#[tokio::test]
async fn invalid_auth_options_exit_with_2() {
    let keys = [("OPENAI_API_KEY", KEY), ("CLIENT_KEYS", ONE)];
    for (arguments, variables, says) in [
        (&["--client-keys", "file"][..], &keys[..], "two sets"),
        (&["--mode", "development"], &keys, "uses no client keys"),
        (&["--mode", "open"], &keys, "--mode"),
        (&["--mode", ""], &keys, "--mode"),
        (&["--public", "GET:/v1/models"], &keys, "--mode mixed"),
        (&["--optional", "GET:/v1/models"], &keys, "--mode mixed"),
        (&["--mode=mixed", "--public=/v1"], &keys, "--public"),
        (&["--mode=mixed", "--public=get:/v1"], &keys, "--public"),
        (&["--mode=mixed", "--public=GET:v1"], &keys, "GET v1"),
        (
            &["--mode=mixed", "--public=GET:/v1/{id}"],
            &keys,
            "/v1/{id}",
        ),
        (
            &["--mode=mixed", "--public=GET:/v1", "--optional=GET:/v1"],
            &keys,
            "--public or --optional",
        ),
        (&["--realm", ""], &keys, "--realm"),
        (&["--realm", "a\u{7}b"], &keys, "--realm"),
    ] {
        let arguments = [&[UPSTREAM, "--listen=127.0.0.1:0"], arguments].concat();
        let (code, stdout, stderr) = default_mode(&arguments, variables).await;
        assert_eq!((code, &*stdout), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(says), "{arguments:?}: {stderr}");
        assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
        assert!(!stderr.contains(ONE), "{stderr}");
    }
}

#[tokio::test]
async fn development_mode_needs_loopback_address() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        let arguments = ["--mode", "development", "--listen", address, UPSTREAM];
        let (code, _, stderr) = default_mode(arguments, &[("OPENAI_API_KEY", KEY)]).await;
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains("not a loopback address"), "{stderr}");
    }
    let (upstream, _) = Recorder::start().await;
    let gateway = Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.args(["--mode", "development"]);
    })
    .await;
    gateway.said("mode: development").await;
    assert!(!gateway.said("curl ").await.contains("Authorization"));
    assert_eq!(status_with(&gateway, "anything").await, StatusCode::OK);
}

#[tokio::test]
async fn production_mode_guards_all_but_health() {
    let (upstream, recorder) = Recorder::start().await;
    let keys = KeyFile::new(ONE);
    let realm = ["--realm", "llm gateway"];
    let gateway = guarded(&format!("http://{upstream}/v1"), &keys.path, &realm).await;

    for path in [
        "/",
        "/v1/models",
        "/healthz/",
        "/readyz/x",
        "//healthz",
        "/health%7a",
    ] {
        let answer = ask(&gateway, Method::GET, path, &[]).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        let challenge = &answer.headers()["www-authenticate"];
        assert_eq!(challenge, "Bearer realm=\"llm gateway\"");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(body["error"]["type"], "invalid_request_error", "{body}");
        assert!(body["error"]["message"].is_string(), "{body}");
    }
    let wrong = [("authorization", &*format!("Bearer {TWO}"))];
    let answer = ask(&gateway, Method::POST, "/v1/embeddings", &wrong).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "invalid_api_key");

    for path in ["/healthz", "/readyz"] {
        let answer = ask(&gateway, Method::GET, path, &[]).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    assert!(recorder.all().is_empty());
    gateway.said("(missing)").await;
    gateway.said("(unknown)").await;

    assert_eq!(status_with(&gateway, ONE).await, StatusCode::OK);
    assert_eq!(recorder.all().len(), 1);
    let output = gateway.output();
    assert!(!output.contains(ONE) && !output.contains(TWO), "{output}");
}

#[cfg(unix)]
#[tokio::test]
async fn last_uses_are_recorded_on_stop() {
    let (upstream, _) = Recorder::start().await;
    let keys = KeyFile::new(&toml(&[(ONE, ""), (TWO, "")]));
    let base = format!("http://{upstream}/v1");
    let mut gateway = guarded(&base, &keys.path, &["--note-use"]).await;
    assert_eq!(status_with(&gateway, ONE).await, StatusCode::OK);
    keys.write(&toml(&[(ONE, "")]));
    gateway.said("client-keys is at generation 2").await;
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));
    let uses = tower_rotating_auth::keyring::UseFile::beside(&keys.path)
        .read()
        .await
        .unwrap()
        .unwrap();
    let [one, two] = ["k0", "k1"].map(|id| uses.last_used(&id.parse().unwrap()));
    assert!(one.is_some() && two.is_none(), "{uses:?}");
}

#[tokio::test]
async fn client_keys_follow_the_file_without_restart() {
    let (upstream, _) = Recorder::start().await;
    let keys = KeyFile::new(&toml(&[(ONE, "")]));
    let gateway = guarded(&format!("http://{upstream}/v1"), &keys.path, &[]).await;
    assert_eq!(client_keys(&gateway).await["generation"], 1);
    assert_eq!(status_with(&gateway, TWO).await, StatusCode::UNAUTHORIZED);

    keys.write(&toml(&[(ONE, ""), (TWO, "")]));
    gateway.said("client-keys is at generation 2").await;
    assert_eq!(client_keys(&gateway).await["generation"], 2);
    assert_eq!(status_with(&gateway, ONE).await, StatusCode::OK);
    assert_eq!(status_with(&gateway, TWO).await, StatusCode::OK);

    keys.write(&toml(&[(TWO, "")]));
    gateway.said("client-keys is at generation 3").await;
    assert_eq!(client_keys(&gateway).await["generation"], 3);
    assert_eq!(status_with(&gateway, ONE).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status_with(&gateway, TWO).await, StatusCode::OK);

    keys.write("version = 1\n[[key");
    gateway.said("refresh failed (invalid").await;
    let said = client_keys(&gateway).await;
    assert_eq!(
        (&said["generation"], &said["last_error"]),
        (&3.into(), &"invalid".into())
    );
    assert_eq!(status_with(&gateway, TWO).await, StatusCode::OK);
}

#[tokio::test]
async fn mixed_mode_opens_only_named_routes() {
    const OPEN: StatusCode = StatusCode::OK;
    const SHUT: StatusCode = StatusCode::UNAUTHORIZED;
    let (upstream, recorder) = Recorder::start().await;
    let keys = KeyFile::new(ONE);
    let opened = [
        "--mode=mixed",
        "--public=GET:/v1/models",
        "--public=GET:/v1/models/a:b",
        "--optional=POST:/v1/moderations",
    ];
    let gateway = guarded(&format!("http://{upstream}/v1"), &keys.path, &opened).await;
    for (method, path, without, with_a_wrong_one) in [
        (Method::GET, "/v1/models", OPEN, OPEN),
        (Method::GET, "/v1/models?limit=2", OPEN, OPEN),
        (Method::HEAD, "/v1/models", OPEN, OPEN),
        (Method::GET, "/v1/models/a:b", OPEN, OPEN),
        (Method::POST, "/v1/moderations", OPEN, SHUT),
        (Method::POST, "/v1/models", SHUT, SHUT),
        (Method::GET, "/v1/models/", SHUT, SHUT),
        (Method::GET, "/models", SHUT, SHUT),
        (Method::GET, "/v1/%6dodels", SHUT, SHUT),
        (Method::GET, "/v1/moderations", SHUT, SHUT),
        (Method::POST, "/v1/chat/completions", SHUT, SHUT),
    ] {
        let said = ask(&gateway, method.clone(), path, &[]).await.status();
        assert_eq!(said, without, "{method} {path}");
        let wrong = [("x-api-key", TWO)];
        let said = ask(&gateway, method.clone(), path, &wrong).await.status();
        assert_eq!(said, with_a_wrong_one, "{method} {path}");
        let said = ask(&gateway, method.clone(), path, &[("x-api-key", ONE)]).await;
        let found = match path {
            "/models" => StatusCode::NOT_FOUND, // not under the base URL
            _ => OPEN,
        };
        assert_eq!(said.status(), found, "{method} {path}");
    }
    for seen in recorder.all() {
        assert_eq!(seen.head.headers["authorization"], format!("Bearer {KEY}"));
        assert_eq!(seen.head.headers.get("x-api-key"), None);
    }
}

#[tokio::test]
async fn client_key_works_from_each_header_and_stays_here() {
    let (upstream, recorder) = Recorder::start().await;
    let keys = KeyFile::new(ONE);
    let gateway = guarded(&format!("http://{upstream}/v1"), &keys.path, &[]).await;
    let bearer = format!("Bearer {ONE}");
    let places = [
        ("authorization", &*bearer),
        ("x-api-key", ONE),
        ("api-key", ONE),
        ("x-goog-api-key", ONE),
    ];
    for place in places {
        let answer = ask(&gateway, Method::POST, "/v1/embeddings", &[place]).await;
        assert_eq!(answer.status(), StatusCode::OK, "{place:?}");
    }
    let everywhere = ask(&gateway, Method::POST, "/v1/embeddings", &places).await;
    assert_eq!(everywhere.status(), StatusCode::OK);
    assert_eq!(recorder.all().len(), places.len() + 1);
    for seen in recorder.all() {
        assert!(!format!("{seen:?}").contains(ONE), "{seen:?}");
        let sent: Vec<_> = seen.head.headers.get_all("authorization").iter().collect();
        assert_eq!(sent, [&*format!("Bearer {KEY}")]);
    }
}

#[tokio::test]
async fn client_keys_variable_takes_toml_or_list() {
    let (upstream, _) = Recorder::start().await;
    for keys in [toml(&[(ONE, ""), (TWO, "")]), format!("{ONE},{TWO}")] {
        let gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
            command.env_remove("GATEWAY_MODE").env("CLIENT_KEYS", &keys);
        })
        .await;
        assert_eq!(status_with(&gateway, ONE).await, StatusCode::OK);
        assert_eq!(status_with(&gateway, TWO).await, StatusCode::OK);
        let wrong = status_with(&gateway, &KEY.repeat(2)).await;
        assert_eq!(wrong, StatusCode::UNAUTHORIZED);
        assert_eq!(client_keys(&gateway).await["generation"], 1);
        assert!(!gateway.output().contains(ONE), "{}", gateway.output());
    }
}

#[tokio::test]
async fn preflight_is_not_forwarded() {
    let (upstream, recorder) = Recorder::start().await;
    let keys = KeyFile::new(ONE);
    let gateway = guarded(&format!("http://{upstream}/v1"), &keys.path, &[]).await;
    let preflight = [
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "POST"),
    ];
    let answer = ask(&gateway, Method::OPTIONS, "/v1/models", &preflight).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(recorder.all().is_empty());
    let with_a_key = [("x-api-key", ONE)];
    let answer = ask(&gateway, Method::OPTIONS, "/v1/models", &with_a_key).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(recorder.all().len(), 1);
}
