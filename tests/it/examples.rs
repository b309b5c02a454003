//! The short examples: each one runs by itself, asserts what it shows, and ends.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::example;

const EXAMPLES: [&str; 14] = [
    "axum_server",
    "custom_source",
    "env_source",
    "exec_source",
    "file_source",
    "from_fn",
    "gateway",
    "http_source",
    "hyper_client",
    "jwt",
    "oauth2_source",
    "reqwest_client",
    "test_your_rotation",
    "vault_source",
];

#[test]
fn every_example_file_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let sources = files.filter(|path| path.extension().is_some_and(|ext| ext == "rs"));
    let found: BTreeSet<_> = sources
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let listed = EXAMPLES.map(str::to_owned);
    assert_eq!(found, BTreeSet::from(listed));
}

#[cfg(all(
    feature = "axum",
    feature = "exec",
    feature = "oauth2",
    feature = "vault"
))]
#[tokio::test]
async fn every_example_ends_with_success() {
    let mut programs = JoinSet::new();
    for name in EXAMPLES {
        let program = Command::new(example(name))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        programs.spawn(async move { (name, timeout(Duration::from_secs(60), program).await) });
    }
    while let Some(ended) = programs.join_next().await {
        let (name, output) = ended.unwrap();
        let output = output
            .unwrap_or_else(|_| panic!("{name} does not end"))
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{name}: {printed}{complaint}");
        assert!(!printed.is_empty(), "{name} prints nothing");
    }
}
