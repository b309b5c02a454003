//! Policies in a file that changes while the service runs.

use std::path::Path;

use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::policy::{IntoRoutePolicy, RoutePolicy};
use tower_rotating_auth::inbound::{RequireKeyLayer, RequireScopesLayer};
use tower_rotating_auth::source::FileSource;

use super::{HERE, from, routes, send, serve, status};
use crate::inbound::keys::{self, VALID};

fn write(path: &Path, routes: &str) {
    let next = path.with_extension("next");
    std::fs::write(&next, format!("version = 1\n{routes}")).unwrap();
    std::fs::rename(next, path).unwrap();
}

const OPEN: &str = "[[route]]\nmethods = [\"GET\"]\npath = \"/a\"\naccess = \"public\"\n";
const ADMIN_ALONE: &str = "[[route]]\nmethods = [\"GET\"]\npath = \"/a\"\naccess = \"required\"\n\
    clients = [\"admin\"]\n";

async fn started(path: &Path) -> Rotating<RoutePolicy> {
    let source = FileSource::new(path).route_policy();
    Rotating::start(source).await.unwrap()
}

#[tokio::test]
async fn policy_file_is_in_force_for_the_next_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    write(&path, OPEN);
    let policy = started(&path).await;
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let require = RequireKeyLayer::new(keys).rotating_policy(policy.clone());
    let url = serve(routes().layer(require), |_| {}).await + "/a";
    assert_eq!(send(from(HERE).get(&url)).await.status, 200);

    let mut changes = policy.subscribe();
    write(&path, ADMIN_ALONE);
    changes.changed().await.unwrap();
    assert_eq!(send(from(HERE).get(&url)).await.status, 401);
    assert_eq!(status(&url, VALID).await, 403);
    assert_eq!(status(&url, keys::ADMIN).await, 200);
}

#[tokio::test]
async fn broken_policy_file_keeps_the_last_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    write(&path, ADMIN_ALONE);
    let policy = started(&path).await;
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let require = RequireKeyLayer::new(keys).rotating_policy(policy.clone());
    let url = serve(routes().layer(require), |_| {}).await + "/a";
    for broken in ["[[route]]\n", "sk-1f0c"] {
        write(&path, broken);
        assert!(policy.refresh().await.is_err(), "{broken}");
        assert_eq!(status(&url, VALID).await, 403, "{broken}");
        assert_eq!(send(from(HERE).get(&url)).await.status, 401, "{broken}");
    }
    let mut changes = policy.subscribe();
    write(&path, OPEN);
    changes.changed().await.unwrap();
    assert_eq!(send(from(HERE).get(&url)).await.status, 200);
}

#[tokio::test]
async fn broken_policy_file_is_an_error_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    write(&path, "[[route]]\n");
    let source = FileSource::new(&path).route_policy();
    assert!(Rotating::start(source).await.is_err());
}

#[tokio::test]
async fn file_opens_nothing_that_a_route_closes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    write(&path, OPEN);
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let admin = RequireScopesLayer::new("admin:all".parse().unwrap());
    let require = RequireKeyLayer::new(keys).rotating_policy(started(&path).await);
    let url = serve(routes().layer(admin).layer(require), |_| {}).await + "/a";
    assert_eq!(status(&url, keys::ADMIN).await, 500);
    assert_eq!(status(&url.replace("/a", "/b"), VALID).await, 403);
}
