//! Loading key sets: what a service starts with, and what it keeps after a failed load.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use http::StatusCode;
use tower::Layer;
use tower_rotating_auth::{
    Rotating, Secret,
    inbound::{IntoKeySet, KeyDigest, KeySet, RequireKey, RequireKeyLayer},
    source::{EnvSource, FileSource, SourceError, SourceErrorKind, source_fn},
};

use super::keys::{ADMIN, VALID};
use super::layer::{Answer, Echo, ask, get, with};
use crate::support::{minutes, pass, secs, start_kind};

/// Returns a key file of this serial, with a `[[key]]` and more fields for each token.
fn file(serial: u64, keys: &[(&str, &str)]) -> String {
    let mut text = format!("version = 1\nserial = {serial}\n[[client]]\nid = \"c\"\n");
    for (n, (token, more)) in keys.iter().enumerate() {
        let digest = KeyDigest::of(token.as_bytes()).to_text();
        text += &format!("[[key]]\nid = \"k{n}\"\nclient = \"c\"\ndigest = \"{digest}\"\n{more}\n");
    }
    text
}

/// A directory with a key file that only its owner can read.
struct KeyDir {
    directory: tempfile::TempDir,
}

impl KeyDir {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let dir = Self { directory };
        dir.write(text);
        dir
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("keys.toml")
    }

    fn write(&self, text: &str) {
        let temporary = self.directory.path().join("keys.tmp");
        create(&temporary).write_all(text.as_bytes()).unwrap();
        fs::rename(&temporary, self.path()).unwrap();
    }

    fn source(&self) -> FileSource {
        FileSource::new(self.path()).without_watch().poll(secs(10))
    }
}

fn create(path: &Path) -> fs::File {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true).create_new(true).open(path).unwrap()
}

/// Waits in steps of a second. Files are read on other threads, and a wake from there lets the
/// virtual clock skip to the next timer, which must not be the end of the wait.
async fn wait(time: Duration) {
    for _ in 0..time.as_secs() {
        pass(secs(1)).await;
    }
}

/// Returns the messages of an error and its sources.
fn messages(error: &dyn std::error::Error) -> String {
    let mut messages = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        messages += &format!(": {error}");
        cause = error.source();
    }
    messages
}

async fn no_start(text: &str) -> (SourceErrorKind, String) {
    let dir = KeyDir::new(text);
    match Rotating::start(dir.source().key_set()).await {
        Err(error) => {
            let error = error.source_error().expect("the source failed");
            (error.kind(), messages(error))
        }
        other => panic!("{other:?}"),
    }
}

type Service = RequireKey<Echo>;

async fn status(service: &Service, token: &str) -> u16 {
    ask(service, with("/", token)).await.status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn start_fails_without_active_key() {
    let past = (VALID, "not_after = \"2001-01-01T00:00:00Z\"");
    let gone = (ADMIN, "revoked_at = \"2001-01-01T00:00:00Z\"");
    let future = (VALID, "not_before = \"2999-01-01T00:00:00Z\"");
    for (text, says) in [
        (String::new(), "empty"),
        (" \n".into(), "empty"),
        ("version = 1\n".into(), "there is no key in the set"),
        (file(1, &[]), "there is no key in the set"),
        (file(1, &[past]), "every key has expired or is revoked"),
        (
            file(1, &[past, gone]),
            "every key has expired or is revoked",
        ),
        (file(1, &[future]), "no key is valid yet"),
        (file(1, &[("changeme", "")]), "everybody knows"),
        (
            "changeme".into(),
            "key number 1 is one that everybody knows",
        ),
        ("too-weak-a-key".into(), "key number 1 is too weak"),
        ("${CLIENT_KEYS}".into(), "placeholder"),
        ("version = 2\n".into(), "version 2, not 1"),
    ] {
        let (class, messages) = no_start(&text).await;
        assert_eq!(class, SourceErrorKind::Invalid, "{text}: {messages}");
        assert!(messages.contains(says), "{text}: {messages}");
    }
    let dir = KeyDir::new(&file(1, &[past, (ADMIN, "")]));
    let keys = Rotating::start(dir.source().key_set()).await.unwrap();
    assert_eq!(keys.current().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn key_set_source_starts_by_its_wall_clock() {
    let dir = KeyDir::new(&file(
        1,
        &[(VALID, "not_before = \"2999-01-01T00:00:00Z\"")],
    ));
    let year_3000 = std::time::UNIX_EPOCH + Duration::from_secs(32_503_680_000);
    let early = dir.source().key_set().wall_clock(|| std::time::UNIX_EPOCH);
    assert!(Rotating::start(early).await.is_err());
    let late = dir.source().key_set().wall_clock(move || year_3000);
    let keys = Rotating::start(late).await.unwrap();
    assert_eq!(keys.current().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn start_fails_on_missing_file() {
    let dir = KeyDir::new("");
    fs::remove_file(dir.path()).unwrap();
    let Err(error) = Rotating::start(dir.source().key_set()).await else {
        panic!("started");
    };
    assert_eq!(start_kind(&error), Some(SourceErrorKind::Transient));
}

#[tokio::test(start_paused = true)]
async fn file_of_plain_keys_is_key_set() {
    let dir = KeyDir::new(&format!("{VALID}\n{ADMIN}\n"));
    let keys = Rotating::start(dir.source().key_set()).await.unwrap();
    let service = RequireKeyLayer::new(keys).layer(Echo);
    assert!(
        ask(&service, with("/", ADMIN))
            .await
            .body()
            .starts_with("client-2 by key-2\n")
    );
}

#[tokio::test(start_paused = true)]
async fn key_file_has_larger_default_limit() {
    let padding = "# nothing in particular\n".repeat(10_000);
    let dir = KeyDir::new(&(file(1, &[(VALID, "")]) + &padding));
    let keys = Rotating::start(dir.source().key_set()).await.unwrap();
    assert_eq!(keys.current().len(), 1);
    let capped = dir.source().max_bytes(64 * 1024).key_set();
    assert!(Rotating::start(capped).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn failed_load_keeps_last_good_set() {
    let good = file(5, &[(VALID, "")]);
    let dir = KeyDir::new(&good);
    let keys = Rotating::start(dir.source().key_set()).await.unwrap();
    let service = RequireKeyLayer::new(keys.clone()).layer(Echo);
    for (how, text) in [
        (
            "an unknown field",
            good.replace("version = 1", "version = 1\nvalid = true"),
        ),
        ("nothing", String::new()),
        ("no key", file(6, &[])),
        ("cut off", good[..good.len() - 20].to_owned()),
        ("the first line", "version = 1".into()),
        ("older", file(4, &[(VALID, ""), (ADMIN, "")])),
        ("without a serial", file(0, &[(ADMIN, "")])),
        ("a plain key that is weak", "x".into()),
        (
            "a plain list, which has no serial",
            format!("{VALID} {ADMIN}"),
        ),
    ] {
        dir.write(&text);
        wait(minutes(2)).await;
        let state = keys.status();
        assert_eq!(state.last_error, Some(SourceErrorKind::Invalid), "{how}");
        assert!(state.failures > 0, "{how}");
        assert_eq!(state.generation.get(), 1, "{how}");
        assert_eq!(
            (status(&service, VALID).await, status(&service, ADMIN).await),
            (200, 401),
            "{how}"
        );

        dir.write(&good);
        wait(minutes(10)).await;
        assert_eq!(keys.status().last_error, None, "{how}");
    }
    // The same serial is accepted again, and a later one.
    dir.write(&file(5, &[(VALID, ""), (ADMIN, "")]));
    wait(minutes(2)).await;
    assert_eq!(
        (status(&service, VALID).await, status(&service, ADMIN).await),
        (200, 200)
    );
    dir.write(&file(6, &[(ADMIN, "")]));
    wait(minutes(2)).await;
    assert_eq!(
        (status(&service, VALID).await, status(&service, ADMIN).await),
        (401, 200)
    );
}

#[tokio::test(start_paused = true)]
async fn later_set_may_hold_only_ended_keys() {
    let dir = KeyDir::new(&file(1, &[(VALID, "")]));
    let keys = Rotating::start(dir.source().key_set()).await.unwrap();
    let service = RequireKeyLayer::new(keys.clone()).layer(Echo);
    dir.write(&file(
        2,
        &[(VALID, "revoked_at = \"2026-01-01T00:00:00Z\"")],
    ));
    wait(minutes(2)).await;
    assert_eq!(keys.status().last_error, None);
    assert_eq!(status(&service, VALID).await, 401);
}

#[tokio::test(start_paused = true)]
async fn allow_empty_locks_everybody_out() {
    let dir = KeyDir::new(&file(5, &[(VALID, "")]));
    let keys = Rotating::start(dir.source().key_set().allow_empty())
        .await
        .unwrap();
    let service = RequireKeyLayer::new(keys.clone()).layer(Echo);
    assert_eq!(status(&service, VALID).await, 200);
    for empty in [file(6, &[]), "version = 1\n".into()] {
        dir.write(&empty);
        wait(minutes(2)).await;
        assert_eq!(keys.status().last_error, None, "{empty}");
        assert_eq!(status(&service, VALID).await, 401, "{empty}");
    }
    // The set before it does not come back.
    dir.write(&file(5, &[(VALID, "")]));
    wait(minutes(2)).await;
    assert_eq!(keys.status().last_error, Some(SourceErrorKind::Invalid));
    assert_eq!(status(&service, VALID).await, 401);
    dir.write(&file(7, &[(VALID, "")]));
    wait(minutes(10)).await;
    assert_eq!(status(&service, VALID).await, 200);

    let locked = KeyDir::new("version = 1\n");
    let keys = Rotating::start(locked.source().key_set().allow_empty())
        .await
        .unwrap();
    assert!(keys.current().is_empty());
    // Any other error is still an error.
    let broken = KeyDir::new("version = 1\nkeys = 7\n")
        .source()
        .key_set()
        .allow_empty();
    assert!(Rotating::start(broken).await.is_err());
}

fn unavailable(answer: &Answer) -> Option<u64> {
    (answer.status() == StatusCode::SERVICE_UNAVAILABLE).then(|| {
        assert!(!answer.headers().contains_key("www-authenticate"));
        assert_eq!(answer.headers()["cache-control"], "no-store");
        answer.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap()
    })
}

#[tokio::test(start_paused = true)]
async fn stale_set_answers_503_after_max_stale() {
    let dir = KeyDir::new(&file(1, &[(VALID, "")]));
    let keys = Rotating::start(dir.source().key_set()).await.unwrap();
    let service = RequireKeyLayer::new(keys.clone())
        .max_stale(minutes(30))
        .layer(Echo);
    let usual = RequireKeyLayer::new(keys.clone()).layer(Echo);
    fs::remove_file(dir.path()).unwrap();
    wait(minutes(28)).await;
    assert_eq!(keys.status().last_error, Some(SourceErrorKind::Transient));
    assert_eq!(status(&service, VALID).await, 200);

    wait(minutes(4)).await;
    let answer = ask(&service, with("/", VALID)).await;
    assert!(
        unavailable(&answer).is_some_and(|seconds| seconds > 0),
        "{answer:?}"
    );
    assert!(unavailable(&ask(&service, with("/", ADMIN)).await).is_some());
    assert_eq!(
        ask(&service, get("/")).await.status(),
        401,
        "nothing was presented"
    );
    assert_eq!(
        status(&usual, VALID).await,
        200,
        "max_stale defaults to an hour"
    );
    wait(minutes(30)).await;
    assert_eq!(status(&usual, VALID).await, 503);

    dir.write(&file(1, &[(VALID, "")]));
    wait(minutes(10)).await;
    assert_eq!(
        (status(&service, VALID).await, status(&usual, VALID).await),
        (200, 200)
    );
}

#[tokio::test(start_paused = true)]
async fn invalid_set_counts_towards_max_stale() {
    let dir = KeyDir::new(&file(1, &[(VALID, "")]));
    let keys = Rotating::start(dir.source().key_set()).await.unwrap();
    let service = RequireKeyLayer::new(keys)
        .max_stale(minutes(30))
        .layer(Echo);
    dir.write("");
    wait(minutes(32)).await;
    assert_eq!(status(&service, VALID).await, 503);
}

#[tokio::test(start_paused = true)]
async fn quiet_source_is_not_stale() {
    let text = file(1, &[(VALID, "")]);
    let source = source_fn(move || {
        let text = Secret::from(text.clone());
        async { Ok::<_, SourceError>(text) }
    });
    let keys = Rotating::builder().poll(Duration::from_secs(24 * 3600));
    let keys = keys.start(source.key_set()).await.unwrap();
    let service = RequireKeyLayer::new(keys).max_stale(minutes(1)).layer(Echo);
    pass(minutes(600)).await;
    assert_eq!(status(&service, VALID).await, 200);
}

const VARIABLE: &str = "CLIENT_KEYS_OF_THIS_TEST";

/// Runs the test of this name in a process with this value in its environment; returns its output.
fn with_keys(value: &str, test: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(VARIABLE, value)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    said
}

#[tokio::test]
async fn env_source_reads_key_file_or_list() {
    let itself = "inbound::loads::env_source_reads_key_file_or_list";
    if std::env::var_os(VARIABLE).is_some() {
        match Rotating::start(EnvSource::new(VARIABLE).key_set()).await {
            Ok(keys) => println!("<{} keys>", keys.current().len()),
            Err(error) => println!("<{}>", messages(&error)),
        }
        return;
    }
    let unset = Rotating::start(EnvSource::new(VARIABLE).key_set()).await;
    assert!(messages(&unset.unwrap_err()).contains("CLIENT_KEYS_OF_THIS_TEST is not set"));
    let expired = file(1, &[(VALID, "not_after = \"2001-01-01T00:00:00Z\"")]);
    for (value, says) in [
        (format!("{VALID}, {ADMIN}"), "<2 keys>"),
        (file(1, &[(VALID, "")]), "<1 keys>"),
        (String::new(), "CLIENT_KEYS_OF_THIS_TEST is empty"),
        (" \n".into(), "CLIENT_KEYS_OF_THIS_TEST is empty"),
        (",".into(), "there is no key in the set"),
        ("changeme".into(), "everybody knows"),
        (expired, "every key has expired"),
    ] {
        let said = with_keys(&value, itself);
        assert!(said.contains(says), "{value}: {said}");
        assert!(!said.contains("8Zk1tQ0mVd7RyXw3LpHs5N"), "{said}");
    }
}

#[test]
fn empty_set_is_not_outdated() {
    let empty = KeySet::empty();
    assert!(empty.not_older_than(&KeySet::empty()).is_ok());
}
