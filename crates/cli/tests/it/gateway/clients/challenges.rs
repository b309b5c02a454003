//! The challenges of refused requests, which MCP clients follow.

use http::{HeaderMap, StatusCode};
use tower_rotating_auth::inbound::KeyDigest;

use crate::gateway::harness::{Folder, Gateway, KEY, Protocol, Recorder, default_mode};

const READER: &str = "reader-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
const METADATA: &str = "https://mcp.example.com/.well-known/oauth-protected-resource";
const POLICY: &str = "version = 1\n[[route]]\nmethods = [\"POST\"]\npath = \"/mcp\"\n\
                      access = \"required\"\nall_of = [\"tools:call\"]\n";

/// A folder with a client that has the scope `tools:list`, and a policy.
fn folder() -> Folder {
    let folder = Folder::empty();
    let digest = KeyDigest::of(READER.as_bytes()).to_text();
    folder.write(
        "keys.toml",
        &format!(
            "version = 1\n[[client]]\nid = \"reader\"\nscopes = [\"tools:list\"]\n\
             [[key]]\nid = \"k1\"\nclient = \"reader\"\ndigest = \"{digest}\"\n"
        ),
    );
    folder.write("policy.toml", POLICY);
    folder
}

async fn gateway(folder: &Folder, arguments: &[&str]) -> Gateway {
    let (upstream, _recorder) = Recorder::start().await;
    Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--client-keys").arg(folder.path("keys.toml"));
        command.arg("--policies").arg(folder.path("policy.toml"));
        command.args(arguments);
    })
    .await
}

fn challenge(headers: &HeaderMap) -> &str {
    headers["www-authenticate"].to_str().unwrap()
}

#[tokio::test]
async fn challenges_name_scopes_and_resource_metadata() {
    let folder = folder();
    let metadata = format!("--resource-metadata={METADATA}");
    let scopes = "--challenge-scope=tools:list,tools:call";
    let gateway = gateway(&folder, &[scopes, &metadata]).await;
    let named = format!("resource_metadata=\"{METADATA}\"");
    let wanted = "scope=\"tools:call tools:list\"";
    for protocol in Protocol::BOTH {
        let ask = async |method: &str, path: &str, key: &str| {
            let mut request = http::Request::builder().method(method).uri(path);
            if !key.is_empty() {
                request = request.header("authorization", format!("Bearer {key}"));
            }
            let request = request.body(http_body_util::Full::default()).unwrap();
            protocol.fetch(gateway.address(), request).await.0
        };
        let missing = ask("GET", "/mcp", "").await;
        assert_eq!(missing.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            challenge(&missing.headers),
            format!("Bearer realm=\"gateway\", {named}, {wanted}")
        );
        let unknown = ask("GET", "/mcp", "unknown-key-of-nobody-0123456789").await;
        assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
        let said = challenge(&unknown.headers);
        for part in ["error=\"invalid_token\"", &named, wanted] {
            assert!(said.contains(part), "{part}: {said}");
        }
        // Only the scopes of this operation, so that a client can step up.
        let narrow = ask("POST", "/mcp", READER).await;
        assert_eq!(narrow.status, StatusCode::FORBIDDEN);
        let said = challenge(&narrow.headers);
        for part in [
            "error=\"insufficient_scope\"",
            &named,
            "scope=\"tools:call\"",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("tools:list"), "{said}");
        assert_eq!(ask("GET", "/mcp", READER).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn challenge_has_the_realm_alone_by_default() {
    let folder = folder();
    let gateway = gateway(&folder, &["--resource-metadata="]).await;
    let (head, _) = Protocol::Http1.get(gateway.address(), "/mcp", &[]).await;
    assert_eq!(challenge(&head.headers), "Bearer realm=\"gateway\"");
}

#[tokio::test]
async fn invalid_challenge_options_exit_with_2() {
    let key = [("OPENAI_API_KEY", KEY), ("CLIENT_KEYS", READER)];
    for (argument, option) in [
        ("--resource-metadata=/relative", "--resource-metadata"),
        (
            "--resource-metadata=https://user:sk-sentinel-7f3a@mcp.example.com/",
            "--resource-metadata",
        ),
        ("--challenge-scope=a b", "--challenge-scope"),
        ("--challenge-scope=a,,b", "--challenge-scope"),
    ] {
        let arguments = [
            "--upstream=https://api.example.com",
            "--listen=127.0.0.1:0",
            argument,
        ];
        let (code, _, stderr) = default_mode(arguments, &key).await;
        assert_eq!(code, Some(2), "{argument}: {stderr}");
        assert!(stderr.contains(option), "{argument}: {stderr}");
        assert!(!stderr.contains("sk-sentinel"), "{stderr}");
    }
}
