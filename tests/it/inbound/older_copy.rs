//! A service that reads an older copy of its key file.

use std::fs;

use tower_rotating_auth::{
    Rotating,
    inbound::{KeySet, KeySetError, KeySetErrorKind},
    keyring::{FileStore, IssueRequest, KeyRing},
    rotating::StartError,
    source::{FileSource, SourceConfig},
};

fn is_outdated(started: Result<Rotating<KeySet>, StartError>) -> bool {
    let Err(error) = started else { return false };
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<KeySetError>() {
            return error.kind() == KeySetErrorKind::Outdated;
        }
        cause = error.source();
    }
    panic!("{error:?}");
}

#[tokio::test]
async fn older_copy_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let ring = KeyRing::start(FileStore::new(&path)).await.unwrap();
    let request = || IssueRequest::new("c".parse().unwrap()).or_new_client("".parse().unwrap());
    ring.issue(request()).await.unwrap();
    let old = fs::read_to_string(&path).unwrap();
    ring.issue(request()).await.unwrap();
    let start = || Rotating::start(FileSource::new(&path).without_watch().key_set());
    let configured = || Rotating::start(SourceConfig::file(&path).key_set());
    assert!(start().await.is_ok() && configured().await.is_ok());

    fs::write(&path, &old).unwrap();
    assert!(is_outdated(start().await) && is_outdated(configured().await));
    let meant = old.replace("serial = 1", "serial = 3");
    fs::write(&path, meant).unwrap();
    assert!(start().await.is_ok() && configured().await.is_ok());

    // Somebody who removes the note means it.
    fs::write(&path, &old).unwrap();
    fs::remove_file(folder.path().join("keys.toml.serial")).unwrap();
    assert!(start().await.is_ok());
    fs::create_dir(folder.path().join("keys.toml.serial")).unwrap();
    let error = start().await.unwrap_err();
    assert!(
        format!("{error:?}").contains("keys.toml.serial"),
        "{error:?}"
    );
}

#[tokio::test]
async fn older_copy_does_not_replace_a_newer_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let ring = KeyRing::start(FileStore::new(&path)).await.unwrap();
    let request = IssueRequest::new("c".parse().unwrap()).or_new_client("".parse().unwrap());
    let key = ring.issue(request).await.unwrap();
    let old = fs::read_to_string(&path).unwrap();
    ring.revoke(key.id()).await.unwrap();
    let source = FileSource::new(&path).without_watch().key_set();
    let keys = Rotating::start(source.allow_empty()).await.unwrap();
    fs::write(&path, &old).unwrap();
    keys.refresh().await.unwrap_err();
    let fit = keys.current().fit_at(std::time::SystemTime::now());
    assert_eq!(fit.unwrap_err().kind(), KeySetErrorKind::AllEnded);
}
