//! The last use of keys, in a file beside the key file.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tempfile::TempDir;
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::{
    inbound::RequireKeyLayer,
    keyring::{IssuancePolicy, KeyRing, MemoryStore, NewKey, UseFile},
};

use super::{issued, request_for};
use crate::support::{Wall, minutes, secs};

const DAY: Duration = secs(24 * 60 * 60);

/// A service with a key ring and a use file, at a clock that a test sets.
struct Service {
    ring: KeyRing,
    wall: Wall,
    uses: UseFile,
}

impl Service {
    async fn new(folder: &TempDir, wall: &Wall) -> Self {
        let ring = KeyRing::builder()
            .policy(IssuancePolicy::new().purge_after(Duration::ZERO))
            .wall_clock(wall.reader());
        Self {
            ring: ring.start(MemoryStore::default()).await.unwrap(),
            wall: wall.clone(),
            uses: UseFile::beside(folder.path().join("keys.toml")),
        }
    }

    async fn is_asked_with(&self, key: &NewKey) {
        let hello =
            |_: Request<_>| async { Ok::<_, Infallible>(Response::<Full<Bytes>>::default()) };
        let service = RequireKeyLayer::new(self.ring.keys()).layer(service_fn(hello));
        let bearer = [b"Bearer ", key.token().expose_secret()].concat();
        let request = Request::get("/").header("authorization", bearer);
        let answer = service.oneshot(request.body(()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    async fn notes(&self) {
        let keys = self.ring.keys().current();
        self.uses.note(&keys, self.wall.now()).await.unwrap();
    }

    /// Returns the recorded day of the last use, counted from the first day.
    async fn said(&self, key: &NewKey) -> Option<u64> {
        let uses = self.uses.read().await.unwrap().unwrap();
        let day = uses.last_used(key.id())?.duration_since(first_day());
        Some(day.unwrap().as_secs() / DAY.as_secs())
    }
}

fn first_day() -> SystemTime {
    let day = DAY.as_secs();
    SystemTime::UNIX_EPOCH + secs(Wall::BEGAN.as_secs() / day * day)
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("keys.toml.used")
}

#[tokio::test(start_paused = true)]
async fn last_use_survives_restart() {
    let (folder, wall) = (TempDir::new().unwrap(), Wall::new());
    let service = Service::new(&folder, &wall).await;
    let (used, unused) = (issued(&service.ring).await, issued(&service.ring).await);
    assert!(
        service.uses.read().await.unwrap().is_none(),
        "no use is recorded"
    );
    service.notes().await;
    let uses = service.uses.read().await.unwrap().unwrap();
    assert_eq!(uses.noted_since(), first_day());
    assert_eq!(service.said(&used).await, None);

    service.is_asked_with(&used).await;
    wall.jump(DAY.as_secs().try_into().unwrap());
    service.notes().await;
    assert_eq!(service.said(&used).await, Some(0));
    service.is_asked_with(&used).await;
    service.notes().await;
    assert_eq!(service.said(&used).await, Some(1));
    assert_eq!(service.said(&unused).await, None);

    let again = Service::new(&folder, &wall).await;
    issued(&again.ring).await;
    again.notes().await;
    assert_eq!(again.said(&used).await, Some(1));
    let uses = again.uses.read().await.unwrap().unwrap();
    assert_eq!(uses.noted_since(), first_day());
}

#[tokio::test(start_paused = true)]
async fn concurrent_services_merge_uses() {
    let (folder, wall) = (TempDir::new().unwrap(), Wall::new());
    let (one, other) = (
        Service::new(&folder, &wall).await,
        Service::new(&folder, &wall).await,
    );
    let (ours, theirs) = (issued(&one.ring).await, issued(&other.ring).await);
    one.is_asked_with(&ours).await;
    wall.jump(DAY.as_secs().try_into().unwrap());
    other.is_asked_with(&theirs).await;
    other.notes().await;
    one.notes().await;
    other.notes().await;
    assert_eq!(
        (one.said(&ours).await, one.said(&theirs).await),
        (Some(0), Some(1))
    );
}

#[tokio::test(start_paused = true)]
async fn known_uses_are_not_rewritten() {
    let (folder, wall) = (TempDir::new().unwrap(), Wall::new());
    let service = Service::new(&folder, &wall).await;
    let brief = service
        .ring
        .issue(request_for("client").lifetime(DAY))
        .await;
    let brief = brief.unwrap().into_new().unwrap();
    service.is_asked_with(&brief).await;
    service.notes().await;
    let text = || std::fs::read_to_string(file(&folder)).unwrap();
    let written = format!("{}# not written again\n", text());
    std::fs::write(file(&folder), &written).unwrap();
    wall.jump(DAY.as_secs().try_into().unwrap());
    service.notes().await;
    assert_eq!(text(), written);

    assert_eq!(service.ring.purge().await.unwrap(), [brief.id().clone()]);
    service.notes().await;
    assert_eq!(
        service.said(&brief).await,
        Some(0),
        "another service may still report it"
    );
    wall.jump(31 * i64::try_from(DAY.as_secs()).unwrap());
    service.notes().await;
    assert_eq!(service.said(&brief).await, None);
}

#[tokio::test(start_paused = true)]
async fn follow_keeps_uses_of_replaced_set() {
    let (folder, wall) = (TempDir::new().unwrap(), Wall::new());
    let service = Service::new(&folder, &wall).await;
    let (used, unused) = (issued(&service.ring).await, issued(&service.ring).await);
    let (keys, mut publisher) = tower_rotating_auth::Rotating::builder()
        .wall_clock(wall.reader())
        .manual(service.ring.state().key_set().clone());
    let follows = tokio::spawn(service.uses.clone().follow(keys));
    while service.uses.read().await.unwrap().is_none() {}
    service.is_asked_with(&used).await;
    publisher.publish(tower_rotating_auth::inbound::KeySet::empty());
    tokio::time::sleep(secs(61)).await;
    assert_eq!(service.said(&used).await, Some(0), "it is new");
    assert_eq!(service.said(&unused).await, None);
    follows.abort();
}

#[tokio::test(start_paused = true)]
async fn follow_writes_every_ten_minutes_and_at_end() {
    let (folder, wall) = (TempDir::new().unwrap(), Wall::new());
    let service = Service::new(&folder, &wall).await;
    let key = issued(&service.ring).await;
    let day = i64::try_from(DAY.as_secs()).unwrap();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let until = service
        .uses
        .clone()
        .follow_until(service.ring.keys(), async { drop(ended.await) });
    let follows = tokio::spawn(until);
    service.is_asked_with(&key).await;
    tokio::time::sleep(minutes(2)).await;
    assert_eq!(service.said(&key).await, Some(0));
    wall.jump(day);
    service.is_asked_with(&key).await;
    tokio::time::sleep(minutes(10)).await;
    assert_eq!(service.said(&key).await, Some(1));
    wall.jump(day);
    service.is_asked_with(&key).await;
    end.send(()).unwrap();
    follows.await.unwrap();
    assert_eq!(service.said(&key).await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn foreign_file_is_left_alone() {
    let (folder, wall) = (TempDir::new().unwrap(), Wall::new());
    let service = Service::new(&folder, &wall).await;
    for text in [
        "",
        "version = 2\nsince = \"2026-01-01\"\n",
        "sk-8Zk1tQ0mVd7RyXw3LpHs5N",
    ] {
        std::fs::write(file(&folder), text).unwrap();
        let error = service.uses.read().await.unwrap_err();
        assert!(error.to_string().contains("keys.toml.used"), "{error}");
        assert!(!format!("{error:?}").contains("8Zk1"), "{error:?}");
        let keys = service.ring.keys().current();
        service.uses.note(&keys, wall.now()).await.unwrap_err();
        assert_eq!(std::fs::read_to_string(file(&folder)).unwrap(), text);
    }
}

#[cfg(all(unix, not(portable_only)))]
#[tokio::test(start_paused = true)]
async fn use_file_is_as_readable_as_key_file() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let (folder, wall) = (TempDir::new().unwrap(), Wall::new());
    let service = Service::new(&folder, &wall).await;
    let key_file = folder.path().join("keys.toml");
    std::fs::write(&key_file, "").unwrap();
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(&key_file, mode(0o640)).unwrap();
    let found = || {
        let found = std::fs::metadata(file(&folder)).unwrap();
        (found.gid(), found.mode() & 0o777)
    };
    let group = std::fs::metadata(&key_file).unwrap().gid();
    service.notes().await;
    assert_eq!(found(), (group, 0o640));

    std::fs::set_permissions(file(&folder), mode(0o644)).unwrap();
    let key = issued(&service.ring).await;
    service.is_asked_with(&key).await;
    service.notes().await;
    assert_eq!(found(), (group, 0o644), "it stays as it is");
}
