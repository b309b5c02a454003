//! The caller, as a handler and a span see it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::routing::get;
use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::{KeySet, Principal, Require, RequireKeyLayer, Scoped};
use tower_rotating_auth::keyring::{
    IssueRequest, KeyRing, KeyRingState, MemoryStore, RotateRequest,
};

use super::{HERE, from, send, serve};
use crate::inbound::keys::{self, VALID, record, set};

async fn described(request: Request) -> String {
    let key = request.extensions().get().and_then(Principal::key).unwrap();
    let roles: Vec<_> = key.roles().iter().map(ToString::to_string).collect();
    format!(
        "{} {} {} in_grace={} expires={} generation={}",
        key.client(),
        key.scopes(),
        roles.join(","),
        key.in_grace(),
        key.expires_at().is_some(),
        key.generation(),
    )
}

#[tokio::test]
async fn principal_describes_the_key() {
    let record = record("valid", "chat").with_roles(["operator".parse().unwrap()]);
    let (keys, mut publisher) = Rotating::manual(KeySet::empty());
    publisher.publish(set([(VALID, record)]));
    let generation = keys.current().generation();
    let router = axum::Router::new().route("/", get(described));
    let url = serve(router.layer(RequireKeyLayer::new(keys)), |_| {}).await;
    let answer = send(from(HERE).get(&url).bearer_auth(VALID)).await;
    let expected =
        format!("valid chat operator in_grace=false expires=false generation={generation}");
    assert_eq!(answer.body, expected);
}

#[tokio::test]
async fn principal_of_a_replaced_key_is_in_grace() {
    let ring = KeyRing::start(MemoryStore::new(KeyRingState::empty()))
        .await
        .unwrap();
    let client = "batch".parse().unwrap();
    let request = IssueRequest::new(client).or_new_client("chat".parse().unwrap());
    let old = ring.issue(request).await.unwrap().into_new().unwrap();
    let rotate = RotateRequest::with_grace(old.id(), Duration::from_secs(3600));
    ring.rotate(rotate).await.unwrap();
    let router = axum::Router::new().route("/", get(described));
    let url = serve(router.layer(RequireKeyLayer::new(ring.keys())), |_| {}).await;
    let token = std::str::from_utf8(old.token().expose_secret()).unwrap();
    let body = send(from(HERE).get(&url).bearer_auth(token)).await.body;
    assert!(body.contains("in_grace=true expires=true"), "{body}");
}

#[tokio::test]
async fn hook_learns_the_caller_before_the_handler() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let seen = Arc::new(Mutex::new(vec![]));
    let learned = Arc::clone(&seen);
    let require = RequireKeyLayer::new(keys).on_principal(move |principal| {
        let key = principal.key().map(|key| key.key_id().to_string());
        learned.lock().unwrap().push(key);
    });
    let at_handler = Arc::clone(&seen);
    let handler = get(async move || at_handler.lock().unwrap().len().to_string());
    let router = axum::Router::new().route("/", handler).layer(require);
    let url = serve(router, |_| {}).await;
    assert_eq!(
        send(from(HERE).get(&url).bearer_auth(VALID)).await.body,
        "1"
    );
    assert_eq!(send(from(HERE).get(&url)).await.status, 401);
    assert_eq!(*seen.lock().unwrap(), [Some("valid".to_owned())]);
}

#[tokio::test]
async fn scoped_extractor_requires_its_scopes() {
    struct Admin;
    impl Require for Admin {
        const SCOPES: &'static str = "admin:all chat:write";
    }
    struct Mistaken;
    impl Require for Mistaken {
        const SCOPES: &'static str = "\"";
    }
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let router = axum::Router::new()
        .route(
            "/",
            get(async |Scoped(key, _): Scoped<Admin>| key.client().to_string()),
        )
        .route("/mistaken", get(async |_: Scoped<Mistaken>| "served"))
        .layer(RequireKeyLayer::new(keys));
    let url = serve(router, |_| {}).await;
    let ask =
        async |path: &str, key| send(from(HERE).get(format!("{url}{path}")).bearer_auth(key)).await;
    assert_eq!(ask("/", keys::ADMIN).await.body, "admin");
    let refused = ask("/", VALID).await;
    assert_eq!(refused.status, 403);
    let named = "error=\"insufficient_scope\", scope=\"admin:all chat:write\"";
    assert!(refused.challenge.ends_with(named), "{refused:?}");
    assert_eq!(ask("/", keys::UNKNOWN).await.status, 401);
    assert_eq!(ask("/mistaken", keys::ADMIN).await.status, 500);
}
