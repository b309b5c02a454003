//! Several services with users of their own, which note the use of keys in one file.

use std::convert::Infallible;
use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::{KeySet, RequireKeyLayer};
use tower_rotating_auth::keyring::{FileStore, IssueRequest, KeyRing, UseFile};

use super::{OTHER, folder_of_root, set_mode};

const FILE: &str = "TEST_SERVICE_NOTES_USES_BESIDE";
const DAY: &str = "TEST_SERVICE_NOTES_USES_ON_DAY";
const KEY: &str = "TEST_SERVICE_NOTES_USES_OF_KEY";
/// The group of the operator and of all services.
const GROUP: u32 = 61_100;

/// Runs this test again as a service of this user.
fn service(exe: &Path, keys: &Path, uid: u32, day: u64, token: &str) {
    let done = Command::new(exe)
        .args([
            "--exact",
            "trust::services::services_of_one_group_note_uses",
        ])
        .env(FILE, keys)
        .env(DAY, day.to_string())
        .env(KEY, token)
        .current_dir("/")
        .uid(uid)
        .gid(GROUP)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "user {uid}: {said}");
}

/// A service that is asked with the key on that day, and notes it.
async fn note_as_a_service(keys: &Path, day: u64, token: &str) {
    let text = fs::read_to_string(keys).unwrap();
    let set = KeySet::from_toml(&text).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(day * 24 * 60 * 60);
    let (set, _publisher) = Rotating::builder().wall_clock(move || now).manual(set);
    let hello = |_: Request<_>| async { Ok::<_, Infallible>(Response::<Full<Bytes>>::default()) };
    let service = RequireKeyLayer::new(set.clone()).layer(service_fn(hello));
    let request = Request::get("/").header("authorization", format!("Bearer {token}"));
    let answer = service
        .oneshot(request.body(Full::<Bytes>::default()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);

    let uses = UseFile::beside(keys);
    let keys = set.current();
    uses.note(&keys, now).await.unwrap();
    let id = keys.records().next().unwrap().id().clone();
    let noted = uses.read().await.unwrap().unwrap();
    assert_eq!(noted.last_used(&id), Some(now));
}

#[tokio::test]
async fn services_of_one_group_note_uses() {
    if let (Some(keys), Ok(day)) = (env::var_os(FILE), env::var(DAY)) {
        let token = env::var(KEY).unwrap();
        return note_as_a_service(keys.as_ref(), day.parse().unwrap(), &token).await;
    }
    let Some(parent) = folder_of_root() else {
        return;
    };
    // A place that these users can run it from.
    let exe = parent.path().join("it");
    fs::copy(env::current_exe().unwrap(), &exe).unwrap();
    set_mode(&exe, 0o755);
    let folder = parent.path().join("keys");
    fs::create_dir(&folder).unwrap();
    chown(&folder, Some(0), Some(GROUP)).unwrap();
    set_mode(&folder, 0o770);
    let keys = folder.join("keys.toml");
    let ring = KeyRing::start(FileStore::new(&keys)).await.unwrap();
    let request = IssueRequest::new("batch".parse().unwrap()).or_new_client("".parse().unwrap());
    let key = ring.issue(request).await.unwrap().into_new().unwrap();
    let token = String::from_utf8(key.token().expose_secret().to_vec()).unwrap();
    chown(&keys, Some(0), Some(GROUP)).unwrap();
    set_mode(&keys, 0o640);

    let used = folder.join("keys.toml.used");
    for (uid, day) in [(OTHER, 30_000), (OTHER + 1, 30_001), (OTHER, 30_002)] {
        service(&exe, &keys, uid, day, &token);
        let found = fs::metadata(&used).unwrap();
        assert_eq!(
            (found.uid(), found.gid(), found.mode() & 0o777),
            (uid, GROUP, 0o640)
        );
    }
    let lock = fs::metadata(folder.join("keys.toml.used.lock")).unwrap();
    assert_eq!((lock.gid(), lock.mode() & 0o777), (GROUP, 0o660));
    UseFile::beside(&keys).read().await.unwrap().unwrap();
}
