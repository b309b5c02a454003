//! Tests of sources in a configuration, and as one argument of a command line.

use serde_json::{Value, json};
use tower_rotating_auth::source::{SourceConfig, SourceErrorKind};

use super::support::server::{Server, json as answer};
use super::support::{failure_of, key_of};

fn parsed(config: Value) -> SourceConfig {
    serde_json::from_value(config).unwrap()
}

#[tokio::test]
async fn tables_of_sources_nest() {
    let server = Server::start(|asked| match asked.header("authorization") {
        Some("Bearer token-1") => answer(200, r#"{"data":{"key":"sk-1"}}"#),
        Some(basic) if basic.starts_with("Basic ") => {
            answer(200, r#"{"access_token":"token-1","expires_in":60}"#)
        }
        _ => answer(401, "{}"),
    });
    let server = server.await;
    let text = format!(
        r#"
        type = "http"
        url = "{url}/key"
        pointer = "/data/key"
        poll_interval = "30s"

        [bearer]
        type = "oauth2"
        token_url = "{url}/token"
        client_id = "gateway"
        scope = "keys"

        [bearer.client_secret]
        type = "exec"
        command = "echo"
        args = ["s3cret"]
        timeout = "5s"
        "#,
        url = server.url
    );
    let config: SourceConfig = toml::from_str(&text).unwrap();
    assert!(!format!("{config:?}").contains("sk-1"));
    assert_eq!(key_of(config.into_source()).await, "sk-1");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn vault_table_has_a_login() {
    let server = Server::start(|asked| match asked.header("x-vault-token") {
        Some("login") => answer(200, r#"{"data":{"data":{"k":"sk-1"},"metadata":{}}}"#),
        _ => answer(
            200,
            r#"{"auth":{"client_token":"login","lease_duration":60}}"#,
        ),
    });
    let server = server.await;
    let config = parsed(json!({
        "type": "vault",
        "address": server.url,
        "mount": "secret",
        "path": "openai",
        "field": "k",
        "auth": {
            "method": "approle",
            "role_id": "gateway",
            "secret_id": { "type": "exec", "command": "echo", "args": ["s3cret"] },
        },
    }));
    assert_eq!(key_of(config.into_source()).await, "sk-1");
}

#[tokio::test]
async fn oauth2_table_may_present_a_jwt() {
    let server = Server::start(|asked| match asked.body.contains("&assertion=jwt-1") {
        true => answer(200, r#"{"access_token":"token-1"}"#),
        false => answer(400, "{}"),
    });
    let server = server.await;
    let config = parsed(json!({
        "type": "oauth2",
        "token_url": server.url,
        "client_auth": "none",
        "assertion": { "type": "exec", "command": "echo", "args": ["jwt-1"] },
    }));
    assert_eq!(key_of(config.into_source()).await, "token-1");
}

#[tokio::test]
async fn unusable_configuration_fails_at_the_start() {
    for config in [
        json!({ "type": "http", "url": "http://keys.example.com" }),
        json!({ "type": "http", "url": "nothing" }),
        json!({ "type": "http", "url": "https://a", "expires_in": "/a", "expires_at": "/b" }),
        json!({ "type": "exec", "command": "true", "format": "credential-process" }),
        json!({ "type": "exec", "command": "true", "pointer": "/key" }),
        json!({ "type": "oauth2", "token_url": "https://a", "client_id": "b" }),
        json!({ "type": "oauth2", "token_url": "https://a", "client_auth": "none",
                "assertion": { "type": "env", "name": "A" },
                "subject_token": { "type": "env", "name": "A" } }),
        json!({ "type": "vault", "address": "https://a", "path": "a/../b",
                "auth": { "method": "token", "token": { "type": "env", "name": "A" } } }),
    ] {
        let text = config.to_string();
        let kind = failure_of(parsed(config).into_source()).await;
        assert_eq!(kind, SourceErrorKind::Invalid, "{text}");
    }
}

#[tokio::test]
async fn cleartext_is_a_setting() {
    let config = json!({ "type": "http", "url": "http://0.0.0.0:1/key", "cleartext": true });
    let kind = failure_of(parsed(config).into_source()).await;
    assert_eq!(kind, SourceErrorKind::Transient, "nobody listens there");
}

#[test]
fn unknown_fields_of_tables_are_errors() {
    for config in [
        json!({ "type": "http", "url": "https://a", "key": "sk-1" }),
        json!({ "type": "exec", "command": "true", "key": "sk-1" }),
        json!({ "type": "oauth2", "token_url": "https://a", "key": "sk-1" }),
        json!({ "type": "vault", "path": "a", "key": "sk-1" }),
    ] {
        let error = serde_json::from_value::<SourceConfig>(config)
            .unwrap_err()
            .to_string();
        assert!(error.contains("unknown field `key`"), "{error}");
        assert!(!error.contains("sk-1"), "{error}");
    }
}

#[test]
fn argument_names_any_source() {
    for (text, config) in [
        (
            "exec:/usr/bin/x",
            json!({ "type": "exec", "command": "/usr/bin/x" }),
        ),
        (
            "https://a/b",
            json!({ "type": "http", "url": "https://a/b" }),
        ),
        (
            "https://a/b#/c/d",
            json!({ "type": "http", "url": "https://a/b", "pointer": "/c/d" }),
        ),
        (
            "http://127.0.0.1:1/b",
            json!({ "type": "http", "url": "http://127.0.0.1:1/b" }),
        ),
        (
            "vault:secret/team/openai#key",
            json!({ "type": "vault", "mount": "secret", "path": "team/openai", "field": "key" }),
        ),
    ] {
        assert_eq!(
            text.parse::<SourceConfig>().unwrap(),
            parsed(config),
            "{text}"
        );
    }
    for text in [
        "exec:",
        "sk-1f0c",
        "https://",
        "https://user:sk-1@a",
        "https://a#sk-1",
        "http://keys.example.com/sk-1",
        "vault:",
        "vault:secret#sk-1",
        "vault:secret/openai",
        "vault:/openai#sk-1",
    ] {
        let error = text.parse::<SourceConfig>().unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Invalid, "{text}");
        assert!(!error.to_string().contains("sk-1"), "{error}");
    }
}

#[test]
fn every_table_of_the_guide_is_a_source() {
    let guide = include_str!("../../../docs/guide/sources.md");
    let tables = guide.split("```toml\n").skip(1);
    let tables: Vec<_> = tables
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(tables.len() > 6, "{tables:?}");
    for table in tables {
        let parsed = toml::from_str::<SourceConfig>(table);
        assert!(parsed.is_ok(), "{table}: {parsed:?}");
    }
}
