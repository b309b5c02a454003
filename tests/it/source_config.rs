//! Sources that an application reads from its own configuration.

use std::time::Duration;

use serde_json::json;
use tower_rotating_auth::{
    Rotating,
    inbound::{KeySet, verify_at},
    source::{Source, SourceConfig},
};

fn from_toml(text: &str) -> Result<SourceConfig, String> {
    toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
}

fn from_json(value: serde_json::Value) -> Result<SourceConfig, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[test]
#[cfg(all(feature = "exec", feature = "http"))]
fn debug_shows_no_value_that_may_be_a_secret() {
    use tower_rotating_auth::source::{ExecConfig, HttpConfig};

    let mut exec = ExecConfig::new("print-key");
    exec.env.insert("TOKEN".into(), "sentinel".into());
    let http = HttpConfig::new("https://vault.example.com/sentinel?key=sentinel");
    for config in [SourceConfig::Exec(exec), SourceConfig::Http(http)] {
        let text = format!("{config:?}");
        assert!(!text.contains("sentinel"), "{text}");
        assert!(
            text.contains("TOKEN") || text.contains("vault.example.com"),
            "{text}"
        );
    }
}

#[test]
fn toml_and_json_give_the_same_config() {
    let toml = from_toml(
        "type = 'file'\npath = '/run/secrets/openai'\npoll_interval = '30s'\nmax_bytes = 100\nstrict = true\nwatch = false",
    );
    let json = from_json(json!({
        "type": "file",
        "path": "/run/secrets/openai",
        "poll_interval": 30,
        "max_bytes": 100,
        "strict": true,
        "watch": false,
    }));
    assert!(toml.is_ok(), "{toml:?}");
    assert_eq!(toml, json);
}

#[test]
fn optional_fields_have_the_defaults_of_the_source() {
    let env = from_json(json!({ "type": "env", "name": "OPENAI_API_KEY" }));
    assert_eq!(env, Ok(SourceConfig::env("OPENAI_API_KEY")));
    let file = from_toml("type = 'file'\npath = 'openai'");
    assert_eq!(file, Ok(SourceConfig::file("openai")));
}

#[tokio::test]
async fn field_and_any_content_set_the_source() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("env");
    std::fs::write(&path, "KEY=\"'quoted'\"\n").unwrap();
    let config = |any_content| json!({ "type": "file", "path": path, "field": "KEY", "any_content": any_content });
    let any = from_json(config(true)).unwrap().into_source();
    let key = Rotating::start(any).await.unwrap();
    assert_eq!(key.current().expose_secret(), b"'quoted'");
    let checked = from_json(config(false)).unwrap().into_source();
    assert!(Rotating::start(checked).await.is_err());
    let env = json!({ "type": "env", "name": "KEY", "any_content": true });
    assert!(from_json(env).is_ok());
}

#[cfg(unix)]
#[tokio::test]
async fn owner_refuses_the_file_of_another_user() {
    use std::os::unix::fs::MetadataExt;

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "sk-1f0c").unwrap();
    let us = file.as_file().metadata().unwrap().uid();
    let start = async |owner: u32| {
        let config = json!({ "type": "file", "path": file.path(), "owner": owner });
        Rotating::start(from_json(config).unwrap().into_source()).await
    };
    assert!(start(us).await.is_ok());
    assert!(start(us + 1).await.is_err());
}

#[test]
fn poll_interval_sets_the_pace_of_the_source() {
    for (poll, seconds) in [(json!("2m"), 120.0), (json!(7), 7.0), (json!(0.5), 0.5)] {
        let config = from_json(json!({ "type": "file", "path": "openai", "poll_interval": poll }));
        let SourceConfig::File { poll_interval, .. } = config.as_ref().unwrap() else {
            panic!("{config:?}");
        };
        assert_eq!(*poll_interval, Some(Duration::from_secs_f64(seconds)));
        let expected = format!("poll: Some({:?})", Duration::from_secs_f64(seconds));
        let pace = format!("{:?}", config.unwrap().into_source().refresh_interval());
        assert!(pace.contains(&expected), "{pace}");
    }
}

#[test]
fn unknown_fields_are_errors_that_name_the_field() {
    for unknown in [
        json!({ "type": "env", "name": "OPENAI_API_KEY", "value": "sk-1f0c" }),
        json!({ "type": "file", "path": "openai", "value": "sk-1f0c" }),
    ] {
        let error = from_json(unknown).unwrap_err();
        assert!(error.contains("unknown field `value`"), "{error}");
        assert!(!error.contains("sk-1f0c"), "{error}");
    }
    let error = from_toml("type = 'file'\npath = 'openai'\npoll = 3").unwrap_err();
    assert!(error.contains("unknown field `poll`"), "{error}");
    let error = from_toml("type = 'floppy'\npath = 'openai'").unwrap_err();
    assert!(error.contains("unknown variant `floppy`"), "{error}");
}

#[test]
fn missing_fields_are_errors_that_name_the_field() {
    for (config, field) in [
        (json!({ "path": "openai" }), "type"),
        (json!({ "type": "file" }), "path"),
        (json!({ "type": "env" }), "name"),
    ] {
        let error = from_json(config).unwrap_err();
        assert!(
            error.contains(&format!("missing field `{field}`")),
            "{error}"
        );
    }
}

#[test]
fn bad_durations_are_errors_that_show_the_form() {
    for poll in [
        json!("soon"),
        json!(-1),
        json!(-0.5),
        json!(true),
        json!(null),
    ] {
        let config = json!({ "type": "file", "path": "openai", "poll_interval": poll });
        let error = from_json(config).unwrap_err();
        assert!(error.contains(r#""500ms""#), "{error}");
    }
}

#[test]
fn config_parses_from_a_command_line_argument() {
    assert_eq!(
        "env:A".parse::<SourceConfig>().unwrap(),
        SourceConfig::env("A")
    );
    let file = "file:/run/secrets/a:b".parse::<SourceConfig>().unwrap();
    assert_eq!(file, SourceConfig::file("/run/secrets/a:b"));
    let field = "file:/run/a#b#KEY".parse::<SourceConfig>().unwrap();
    assert_eq!(field, SourceConfig::file_field("/run/a#b", "KEY"));
    for text in [
        "sk-1f0c",
        "env:",
        "file:",
        "file:#KEY",
        "file:/run/a#",
        "vault:sk-1f0c",
        "",
    ] {
        let error = text.parse::<SourceConfig>().unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("sk-1f0c"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn file_config_starts_a_source() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("openai");
    std::fs::write(&path, "sk-1f0c\n").unwrap();
    let source = SourceConfig::file(&path).into_source();
    let key = Rotating::start(source).await.unwrap();
    assert_eq!(key.current().expose_secret(), b"sk-1f0c");
}

#[tokio::test]
async fn key_set_reads_files_larger_than_one_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let keys: Vec<_> = (0..4000)
        .map(|n| format!("client-key-number-{n:08}"))
        .collect();
    let text = keys.join("\n");
    assert!(text.len() > 64 * 1024);
    std::fs::write(&path, text).unwrap();

    let error = Rotating::start(SourceConfig::file(&path).into_source()).await;
    assert!(error.is_err(), "one key is not that long");
    let set = Rotating::<KeySet>::start(SourceConfig::file(&path).key_set())
        .await
        .unwrap();
    let now = std::time::SystemTime::now();
    assert!(verify_at(&set.current(), keys[7].as_bytes(), now).is_ok());
    assert!(verify_at(&set.current(), b"client-key-number-99999999", now).is_err());
}
