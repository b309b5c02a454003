//! The fields of a file, and their precedence: command line, variable, file.

use std::fs;
use std::process::Output;

use http::StatusCode;
use serde_json::Value;

use super::{Folder, configured, status};
use crate::gateway::harness::{Gateway, KEY, Recorder, ended, program};

const SENTINEL: &str = "sk-sentinel-7f3a";

fn config(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = program();
    command.arg("config").args(arguments);
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    (status.code(), stdout, stderr)
}

const VALID: &str = r#"
client_keys = "clients.toml"

[[upstream]]
name = "openai"
url = "https://api.openai.com/v1"
key = { type = "file", path = "openai-key" }

[[upstream]]
path = "/anthropic"
url = "https://api.anthropic.com"
header = "x-api-key"
key = "vault:secret/anthropic#key"
rejected_by = ["403"]
"#;

#[test]
fn check_prints_what_would_run() {
    let files = "policies = \"policy.toml\"\naudit_file = \"audit.jsonl\"\n";
    let folder = Folder::new(&format!("{files}{VALID}"));
    let file = folder.config();
    let (code, stdout, stderr) = config(&["--check", file.to_str().unwrap()]);
    assert_eq!((code, &*stderr), (Some(0), ""));
    for line in [
        "listener: http://127.0.0.1:8080",
        "client keys: from clients.toml",
        "policies: from policy.toml",
        "audit: to audit.jsonl",
        "upstream openai on /: https://api.openai.com/v1, key from openai-key in authorization (Bearer)",
        "upstream anthropic on /anthropic: https://api.anthropic.com, key from Vault in x-api-key",
    ] {
        assert!(stdout.lines().any(|printed| printed == line), "{stdout}");
    }
}

#[test]
fn check_names_file_line_and_field() {
    let tables = "[[upstream]]\nurl = \"https://a.example\"\nkey = \"env:A\"\n";
    for (text, place) in [
        ("colour = 1".to_owned(), ":1: colour: "),
        ("\nlisten = 5".to_owned(), ":2: listen: "),
        ("max_requests = 0".to_owned(), ":1: max_requests: "),
        ("listen = ".to_owned(), ":1: "),
        (
            format!("{VALID}\n[[upstream]]\nurl = \"{SENTINEL}\""),
            ":17: url: ",
        ),
        (
            format!("realm = \"a\"\nupstream_header = \"x-key\"\n{tables}"),
            ":2: upstream_header: ",
        ),
        (format!("{tables}{tables}path = \"/\""), ":7: path: "),
        (
            format!("{tables}name = \"a\"\n{tables}name = \"a\"\npath = \"/b\""),
            ":8: name: ",
        ),
        (format!("{tables}key_file = \"a\""), ":3: key"),
        (format!("public = [\"GET:/a\"]\n{tables}"), ":1: public: "),
        (format!("note_use = true\n{tables}"), ":1: note_use: "),
        (
            format!("listen = \"0.0.0.0:1\"\nclient_keys = \"c\"\n{tables}"),
            ":1: listen: ",
        ),
        (
            "client_keys = \"c\"\n[[upstream]]\nurl = \"http://models\"\nkey = \"env:A\""
                .to_owned(),
            ":3: url: ",
        ),
        (
            format!("client_keys = \"c\"\n[[upstream]]\nurl = \"https://a\"\nkey = \"{SENTINEL}\""),
            ":4: key: ",
        ),
        (
            "client_keys = \"c\"\n[[upstream]]\nurl = \"https://a\"".to_owned(),
            ":2: upstream: ",
        ),
    ] {
        let folder = Folder::new(&text);
        let file = folder.config();
        let file = file.to_str().unwrap();
        let (code, stdout, stderr) = config(&["--check", file]);
        assert_eq!((code, &*stdout), (Some(2), ""), "{text}: {stderr}");
        assert!(
            stderr.contains(&format!("{file}{place}")),
            "{text}: {stderr}"
        );
        assert_eq!(stderr.trim_end().lines().count(), 1, "{text}: {stderr}");
        assert!(!stderr.contains(SENTINEL), "{stderr}");
    }
    let (code, _, stderr) = config(&["--check", "/nonexistent"]);
    assert_eq!(code, Some(1), "{stderr}");
}

#[test]
fn check_reads_keys_if_asked_to() {
    let folder = Folder::new(
        "client_keys = \"DIR/clients\"\nnote_use = true\nwait_for_key = 60\n\
         [[upstream]]\nurl = \"https://a.example\"\nkey = \"file:DIR/key\"\n",
    );
    let file = folder.config();
    let file = file.to_str().unwrap();
    let read = || config(&["--check", file, "--read-keys"]);
    assert_eq!(config(&["--check", file]).0, Some(0));
    let (code, _, stderr) = read();
    assert_eq!(code, Some(1), "{stderr}");
    folder.write("key", SENTINEL);
    let (code, _, stderr) = read();
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("client keys"), "{stderr}");
    folder.write("clients", "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
    let (code, stdout, stderr) = read();
    assert_eq!((code, &*stderr), (Some(0), ""));
    assert!(stdout.contains("client keys: 1 active"), "{stdout}");
    assert!(!stdout.contains(SENTINEL), "{stdout}");
    assert!(
        !folder.path("clients.used").exists(),
        "a check writes nothing"
    );
    assert_eq!(config(&["--read-keys"]).0, Some(2));
    assert_eq!(config(&["--explain", "--schema"]).0, Some(2));
}

#[test]
fn error_in_a_table_names_its_field() {
    let folder =
        Folder::new("client_keys = \"c\"\n[[upstream]]\nurl = \"http://models\"\nkey = \"env:A\"");
    let (code, _, stderr) = config(&["--check", folder.config().to_str().unwrap()]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("cleartext = true"), "{stderr}");
    assert!(!stderr.contains("--"), "{stderr}");
}

#[test]
fn explained_file_is_a_valid_start() {
    let (code, explained, _) = config(&["--explain"]);
    assert_eq!(code, Some(0));
    let fields = explained.matches(" = ").count();
    assert!(fields > 40, "{fields}");
    // The tables follow the last comment, and top-level fields come before them.
    let text = format!(
        "client_keys = \"c\"\n{explained}\n[[upstream]]\nurl = \"https://a\"\nkey = \"env:A\""
    );
    let folder = Folder::new(&text);
    let (code, _, stderr) = config(&["--check", folder.config().to_str().unwrap()]);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn schema_in_docs_is_up_to_date() {
    let (code, schema, _) = config(&["--schema"]);
    assert_eq!(code, Some(0));
    let documented = include_str!("../../../../../../docs/rotating-auth.schema.json");
    let [schema, documented] =
        [&*schema, documented].map(|text| serde_json::from_str::<Value>(text).unwrap());
    assert!(
        schema == documented,
        "run `rotating-auth config --schema > docs/rotating-auth.schema.json`"
    );
}

#[tokio::test]
async fn command_line_wins_over_variable_over_file() {
    let (upstream, recorder) = Recorder::start().await;
    let folder = Folder::new(&format!(
        "upstream = \"http://{upstream}/file\"\nupstream_header = \"x-file\"\n\
         upstream_path = \"/file\"\nkeep_request_header = [\"x-real-ip\"]\n"
    ));
    let gateway = Gateway::start(|command| {
        command.arg("--config").arg(folder.config());
        command.args(["--upstream-header", "x-option"]);
        command.env("GATEWAY_UPSTREAM_HEADER", "x-variable");
        command.env("GATEWAY_UPSTREAM_PATH", "/variable");
        command.env("OPENAI_API_KEY", KEY);
    })
    .await;
    let client = reqwest::Client::new();
    let request = client.get(gateway.url("/variable/models"));
    let answer = request
        .header("x-real-ip", "192.0.2.1")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let head = recorder.only().head;
    assert_eq!(head.uri, "/file/models");
    assert_eq!(head.headers["x-option"], KEY);
    assert_eq!(head.headers["x-real-ip"], "192.0.2.1");
}

#[tokio::test]
async fn empty_variable_leaves_the_field() {
    let (upstream, _recorder) = Recorder::start().await;
    let folder = Folder::new(&format!(
        "upstream = \"http://{upstream}\"\nupstream_key_file = \"DIR/key\"\n"
    ));
    folder.write("key", "sk-1");
    let gateway = Gateway::start(|command| {
        command.arg("--config").arg(folder.config());
        command.env("OPENAI_API_KEY_FILE", "");
    })
    .await;
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
}

#[tokio::test]
async fn tables_exclude_options_about_one_upstream() {
    let folder = Folder::new("[[upstream]]\nurl = \"https://a.example\"\nkey = \"env:A\"\n");
    let file = folder.config();
    let arguments = [
        "--config",
        file.to_str().unwrap(),
        "--upstream=https://b.example",
    ];
    let (code, _, stderr) = ended(arguments, &[]).await;
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("--upstream"), "{stderr}");

    let (upstream, _recorder) = Recorder::start().await;
    folder.write(
        "gateway.toml",
        &format!("[[upstream]]\nurl = \"http://{upstream}\"\nkey = \"file:DIR/key\"\n"),
    );
    folder.write("key", "sk-1");
    let gateway = Gateway::start(|command| {
        command.arg("--config").arg(folder.config());
        command.env("OPENAI_API_KEY", SENTINEL);
    })
    .await;
    gateway.said("OPENAI_API_KEY is ignored").await;
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
    assert!(!gateway.output().contains(SENTINEL));
}

#[tokio::test]
async fn path_without_upstream_gets_404() {
    let (upstream, recorder) = Recorder::start().await;
    let folder = Folder::new(&format!(
        "[[upstream]]\npath = \"/a\"\nurl = \"http://{upstream}\"\nkey = \"file:DIR/key\"\n\
         [[upstream]]\nname = \"long\"\npath = \"/a/b\"\nurl = \"http://{upstream}/long\"\nkey = \"file:DIR/key\"\n"
    ));
    folder.write("key", "sk-1");
    let gateway = configured(&folder.config()).await;
    for (path, wanted) in [
        ("/a/models", StatusCode::OK),
        ("/a/b/models", StatusCode::OK),
        ("/ab", StatusCode::NOT_FOUND),
        ("/", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(status(&gateway, path).await, wanted, "{path}");
    }
    let paths: Vec<_> = recorder
        .all()
        .iter()
        .map(|seen| seen.head.uri.to_string())
        .collect();
    assert_eq!(paths, ["/models", "/long/models"]);
}

#[tokio::test]
async fn file_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("upstream = \"https://a.example\"\n");
    let file = folder.config();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let arguments = ["--config", file.to_str().unwrap()];
    let (code, _, stderr) = ended(arguments, &[("OPENAI_API_KEY", KEY)]).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("writable by others"), "{stderr}");
}

#[test]
fn documented_files_are_valid() {
    let page = include_str!("../../../../../../docs/configuration.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (example, rest) = rest.split_once("```").unwrap();
    let sources: Vec<_> = rest
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | `{ type = "))
        .map(|(name, rest)| (name, format!("{{ type = {}", rest.trim_end_matches("` |"))))
        .collect();
    assert_eq!(sources.len(), 6, "{sources:?}");
    let tables = sources.iter().map(|(name, key)| {
        format!("[[upstream]]\nurl = \"https://a.example\"\npath = \"/{name}\"\nname = \"{name}\"\nkey = {key}\n")
    });
    let all: String = std::iter::once("client_keys = \"c\"\n".to_owned())
        .chain(tables)
        .collect();
    for text in [example, &all] {
        let folder = Folder::new(text);
        let (code, _, stderr) = config(&["--check", folder.config().to_str().unwrap()]);
        assert_eq!(code, Some(0), "{text}: {stderr}");
    }
}
