//! Tests of a command as a source: real processes, in real time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::{JoinHandle, spawn_blocking};
use tower_rotating_auth::{
    Rotating, Secret,
    outbound::{IntoCredential, RotatingCredential},
    rotating::StartError,
    source::{ExecFormat, ExecSource, SourceErrorKind},
};

use crate::support::{Traced, millis, start_kind};

/// Runs a script by `sh`. `$0` is the first of its arguments.
fn sh(script: &str) -> ExecSource {
    ExecSource::new("/bin/sh").arg("-c").arg(script)
}

async fn start(source: ExecSource) -> Result<Rotating<Secret>, StartError> {
    Rotating::start(source).await
}

async fn key_of(source: ExecSource) -> String {
    let key = start(source).await.expect("the command prints a key");
    String::from_utf8(key.current().expose_secret().to_vec()).unwrap()
}

async fn failure_of(source: ExecSource) -> SourceErrorKind {
    let error = start(source).await.expect_err("there is no key");
    start_kind(&error).expect("the source failed")
}

/// A named pipe that ends once every process that holds it has ended.
struct Held {
    folder: TempDir,
    ended: JoinHandle<Vec<u8>>,
}

impl Held {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("held");
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        // Opening it waits for the first process that writes.
        let ended = spawn_blocking(move || fs::read(pipe).unwrap());
        Self { folder, ended }
    }

    fn pipe(&self) -> PathBuf {
        self.folder.path().join("held")
    }

    /// Waits until all of them have ended, and returns what they wrote.
    async fn ended(self) -> Vec<u8> {
        let ended = tokio::time::timeout(Duration::from_secs(30), self.ended).await;
        ended.expect("no process survives").unwrap()
    }
}

#[tokio::test]
async fn output_is_the_key_without_white_space() {
    assert_eq!(
        key_of(ExecSource::new("/bin/echo").arg("sk-1")).await,
        "sk-1"
    );
    assert_eq!(key_of(ExecSource::new("echo").args(["sk-1"])).await, "sk-1");
}

#[tokio::test]
async fn any_output_is_accepted_on_request() {
    let source = ExecSource::new("/bin/echo").arg("{}").allow_any_content();
    assert_eq!(key_of(source).await, "{}");
}

#[tokio::test]
async fn command_runs_again_for_each_fetch() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "sk-1\n").unwrap();
    let source = ExecSource::new("/bin/cat").arg(file.clone());
    let key = start(source).await.expect("the file is there");
    fs::write(&file, "sk-2\n").unwrap();
    let current = key.refresh().await.expect("the file is there");
    assert_eq!(current.expose_secret(), b"sk-2");
    assert_eq!(current.generation().get(), 2);

    fs::remove_file(&file).unwrap();
    let error = key.refresh().await.expect_err("the file is gone");
    assert!(error.source_error().is_some());
    assert_eq!(
        key.current().expose_secret(),
        b"sk-2",
        "the last good key stays"
    );
}

#[tokio::test]
async fn arguments_reach_no_shell() {
    let source = ExecSource::new("/bin/echo").arg("$(id);*&&sk-1");
    assert_eq!(key_of(source).await, "$(id);*&&sk-1");
}

#[tokio::test]
async fn command_has_the_environment_and_no_input() {
    let set = sh(r#"echo "$KEY-${HOME:+home}-$(cat)""#).env("KEY", "sk-1");
    assert_eq!(key_of(set).await, "sk-1-home-");
    let cleared = sh(r#"echo "$KEY-${HOME:+home}""#)
        .env("KEY", "sk-1")
        .env_clear();
    assert_eq!(key_of(cleared).await, "sk-1-");
}

#[tokio::test]
async fn exec_credential_plugin_gets_its_info() {
    let script = r#"
        case $KUBERNETES_EXEC_INFO in
            *'"interactive":false'*) ;;
            *) exit 3 ;;
        esac
        echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
               "status":{"token":"sk-1","expirationTimestamp":"2222-01-01T00:00:00Z"}}'"#;
    let source = sh(script).format(ExecFormat::ExecCredential);
    let key = start(source).await.expect("the plugin prints a token");
    assert_eq!(key.current().expose_secret(), b"sk-1");
    assert!(key.current().expires_at().is_some());
}

#[tokio::test]
async fn past_expiry_is_an_error_and_no_loop() {
    let output = r#"{"Version":1,"SecretAccessKey":"sk-1","Expiration":"2020-01-01T00:00:00Z"}"#;
    let source = ExecSource::new("/bin/echo").arg(output);
    let source = source.format(ExecFormat::credential_process("/SecretAccessKey"));
    assert_eq!(failure_of(source).await, SourceErrorKind::Expired);
}

#[tokio::test]
async fn failures_have_their_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let no_program = folder.path().join("no-program");
    fs::write(&no_program, "not executable").unwrap();
    let missing = Path::new("/nonexistent/program");
    for (source, kind) in [
        (ExecSource::new(missing), SourceErrorKind::Permanent),
        (ExecSource::new(no_program), SourceErrorKind::Permanent),
        (sh("exit 1"), SourceErrorKind::Transient),
        (sh("echo sk-1; kill -9 $$"), SourceErrorKind::Transient),
        (sh("exit 0"), SourceErrorKind::Invalid),
        (sh("echo null"), SourceErrorKind::Invalid),
        (sh("echo '{}'"), SourceErrorKind::Invalid),
        (
            sh("echo sk-1").format(ExecFormat::ExecCredential),
            SourceErrorKind::Invalid,
        ),
    ] {
        let text = format!("{source:?}");
        assert_eq!(failure_of(source).await, kind, "{text}");
    }
}

#[tokio::test]
async fn endless_output_is_cut_off() {
    let held = Held::new();
    let source = sh(r#"exec 3>"$0"; exec yes sk-1"#).arg(held.pipe());
    assert_eq!(failure_of(source).await, SourceErrorKind::Invalid);
    assert_eq!(held.ended().await, b"");
}

#[tokio::test]
async fn output_that_is_no_text_is_no_key() {
    let source = sh(r"printf 'sk-\377\376'");
    let outcome = RotatingCredential::start(source.bearer()).await;
    let error = outcome.expect_err("it is no header value");
    assert_eq!(start_kind(&error), Some(SourceErrorKind::Invalid));
}

#[tokio::test]
async fn hanging_command_is_killed_with_its_children() {
    let held = Held::new();
    // The child ignores SIGTERM and keeps the output open; the command itself has ended.
    let script = r#"exec 3>"$0"; trap "" TERM; (echo child >&3; sleep 1000) & exit 0"#;
    let source = sh(script).arg(held.pipe()).timeout(millis(300));
    assert_eq!(failure_of(source).await, SourceErrorKind::TimedOut);
    assert_eq!(held.ended().await, b"child\n");
}

#[tokio::test]
async fn command_without_output_may_still_clean_up() {
    let held = Held::new();
    let script = r#"exec 3>"$0" >&-; trap "sleep 0.3; echo cleaned >&3; exit" TERM
        while :; do sleep 0.05; done"#;
    let source = sh(script).arg(held.pipe()).timeout(millis(300));
    assert_eq!(failure_of(source).await, SourceErrorKind::TimedOut);
    assert_eq!(held.ended().await, b"cleaned\n");
}

#[tokio::test]
async fn dropped_fetch_kills_the_command_at_once() {
    let held = Held::new();
    let script = r#"exec 3>"$0"; echo started >&3; sleep 1000 & sleep 1000"#;
    let source = sh(script).arg(held.pipe());
    // The engine's own timeout drops the fetch.
    let key = Rotating::builder().fetch_timeout(millis(300)).start(source);
    let error = key.await.expect_err("it hangs");
    assert_eq!(start_kind(&error), Some(SourceErrorKind::TimedOut));
    assert_eq!(held.ended().await, b"started\n");
}

#[tokio::test]
async fn nothing_that_a_command_prints_is_told() {
    const SENTINEL: &str = "sk-sentinel-7f3a";
    let traced = Traced::new();
    let mut text = String::new();
    for script in ["exit 7", "kill -9 $$", "sleep 1000", "yes $0"] {
        let script = format!("echo $0; echo $0 >&2; {script}");
        for format in [
            ExecFormat::Text,
            ExecFormat::ExecCredential,
            ExecFormat::credential_process("/SecretAccessKey"),
        ] {
            let source = sh(&script)
                .arg(SENTINEL)
                .format(format)
                .timeout(millis(200));
            text += &format!("{source:?}");
            let error = start(source).await.expect_err("it fails");
            text += &format!("{error} {error:?} {:?}", error.source_error());
        }
    }
    text += &traced.text();
    assert!(!text.contains(SENTINEL), "{text}");
}
