//! A key ring as a program sees it: in the layer, in handlers, in the log.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_rotating_auth::{
    Secret,
    inbound::{
        KeyDigest, KeyId, KeySetErrorKind, KeyStatus, Principal, Provenance, RequireKeyLayer,
        Scopes,
    },
    keyring::{
        Ageing, ExternalKey, Imported, IssuancePolicy, IssueRequest, KeyRing, KeyRingErrorKind,
        MaxAge, MemoryStore, NewKey, NotAllowed, RevokeRequest, RotateRequest,
    },
};

use super::{client, is_valid_at, issued, request_for, ring};
use crate::support::{Traced, Wall, minutes, secs};

const DAY: Duration = secs(24 * 60 * 60);

/// Returns the principal of the caller in the extensions.
async fn hello<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::default());
    if let Some(principal) = request.extensions().get::<Principal>() {
        response.extensions_mut().insert(principal.clone());
    }
    Ok(response)
}

fn presenting(token: &[u8]) -> Request<()> {
    let bearer = [b"Bearer ", token].concat();
    Request::get("/")
        .header("authorization", bearer)
        .body(())
        .unwrap()
}

async fn status<S, B>(service: &S, key: &NewKey) -> u16
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible> + Clone,
{
    let request = presenting(key.token().expose_secret());
    service
        .clone()
        .oneshot(request)
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test(start_paused = true)]
async fn change_is_in_force_in_every_clone() {
    let ring = ring().await;
    let layer = RequireKeyLayer::new(ring.keys());
    let services = [
        layer.layer(service_fn(hello)),
        layer.clone().layer(service_fn(hello)),
    ];
    let services: Vec<_> = services
        .iter()
        .flat_map(|service| [service.clone(), service.clone()])
        .collect();
    let key = issued(&ring).await;
    let second = ring
        .rotate(RotateRequest::with_grace(key.id(), minutes(1)))
        .await
        .unwrap();
    let second = second.into_new().unwrap();
    for service in &services {
        assert_eq!(
            (status(service, &key).await, status(service, &second).await),
            (200, 200)
        );
    }
    ring.disable(&client()).await.unwrap();
    for service in &services {
        assert_eq!(
            (status(service, &key).await, status(service, &second).await),
            (401, 401)
        );
    }
    ring.enable(&client()).await.unwrap();
    ring.retire(key.id()).await.unwrap();
    for service in &services {
        assert_eq!(
            (status(service, &key).await, status(service, &second).await),
            (401, 200)
        );
    }
    ring.revoke(RevokeRequest::token(second.token()))
        .await
        .unwrap();
    for service in &services {
        assert_eq!(
            (status(service, &key).await, status(service, &second).await),
            (401, 401)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn last_use_survives_changes() {
    let wall = Wall::new();
    let builder = KeyRing::builder().wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let service = RequireKeyLayer::new(ring.keys()).layer(service_fn(hello));
    let (key, unused) = (issued(&ring).await, issued(&ring).await);
    let used = || {
        ring.list()
            .iter()
            .map(|listed| listed.last_used)
            .collect::<Vec<_>>()
    };
    assert_eq!(used(), [None, None]);
    let first = SystemTime::UNIX_EPOCH + Wall::BEGAN;
    assert_eq!(status(&service, &key).await, 200);
    wall.jump(59);
    assert_eq!(status(&service, &key).await, 200);
    assert_eq!(used(), [Some(first), None], "to the minute");
    wall.jump(1);
    assert_eq!(status(&service, &key).await, 200);
    ring.revoke(unused.id()).await.unwrap();
    assert_eq!(status(&service, &unused).await, 401);
    ring.revoke(key.id()).await.unwrap();
    assert_eq!(used(), [Some(first + minutes(1)), None]);
}

#[tokio::test(start_paused = true)]
async fn handler_sees_revocation() {
    let ring = ring().await;
    let service = RequireKeyLayer::new(ring.keys()).layer(service_fn(hello));
    let key = issued(&ring).await;
    let request = presenting(key.token().expose_secret());
    let answer = service.oneshot(request).await.unwrap();
    let principal = answer.extensions().get::<Principal>().unwrap();
    let principal = principal.key().unwrap().clone();
    let mut ended = Box::pin(principal.ended());
    assert_eq!(ended.as_mut().now_or_never(), None);

    let other = ring.issue(request_for("another")).await.unwrap();
    ring.revoke(other.id()).await.unwrap();
    assert_eq!(
        ended.as_mut().now_or_never(),
        None,
        "another key was revoked"
    );
    ring.revoke(key.id()).await.unwrap();
    assert_eq!(ended.now_or_never(), Some(KeyStatus::Revoked));
}

#[tokio::test(start_paused = true)]
async fn rotated_key_is_valid_until_grace_ends() {
    let wall = Wall::new();
    let builder = KeyRing::builder().wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let first = issued(&ring).await;
    let second = ring
        .rotate(RotateRequest::with_grace(client(), secs(10)))
        .await;
    let second = second.unwrap().into_new().unwrap();
    let valid = || {
        (
            is_valid_at(&ring, &first, wall.now()),
            is_valid_at(&ring, &second, wall.now()),
        )
    };
    let mut seen = Vec::new();
    for _ in 0..12 {
        seen.push(valid());
        wall.jump(1);
    }
    let expected: Vec<_> = (0..12).map(|second| (second < 10, true)).collect();
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn old_keys_cause_warning_or_refusal() {
    let wall = Wall::new();
    let old = |policy: MaxAge| {
        let policy = IssuancePolicy::new().max_age(policy.warn_ahead(7 * DAY));
        KeyRing::builder().policy(policy).wall_clock(wall.reader())
    };
    let store = MemoryStore::default();
    let ring = old(MaxAge::warn(30 * DAY))
        .start(store.clone())
        .await
        .unwrap();
    let key = issued(&ring).await;
    let ages = |ring: &KeyRing| {
        ring.warnings()
            .iter()
            .map(|warning| warning.what)
            .collect::<Vec<_>>()
    };
    assert_eq!(ages(&ring), []);
    wall.jump(24 * 24 * 60 * 60);
    assert_eq!(ages(&ring), [Ageing::SoonTooOld]);
    wall.jump(7 * 24 * 60 * 60);
    assert_eq!(ages(&ring), [Ageing::TooOld]);
    assert!(
        is_valid_at(&ring, &key, wall.now()),
        "it is only warned about"
    );

    let strict = old(MaxAge::refuse(30 * DAY)).start(store).await.unwrap();
    assert!(
        !is_valid_at(&strict, &key, wall.now()),
        "the policy refuses an existing key, too"
    );
    let rotated = strict
        .rotate(RotateRequest::with_grace(key.id(), minutes(1)))
        .await;
    let expired = NotAllowed::Expired(key.id().clone());
    assert_eq!(rotated.unwrap_err().not_allowed(), Some(&expired));
    let new = strict
        .issue(request_for("client"))
        .await
        .unwrap()
        .into_new()
        .unwrap();
    let listed = strict
        .list()
        .into_iter()
        .find(|listed| listed.id == *new.id())
        .unwrap();
    assert_eq!(
        listed.ends_at,
        Some(wall.now() + 30 * DAY),
        "no key lives beyond the greatest age"
    );
    let too_long = strict.issue(request_for("client").lifetime(31 * DAY)).await;
    assert!(matches!(
        too_long.as_ref().unwrap_err().not_allowed(),
        Some(NotAllowed::TooLong { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn short_lived_key_causes_no_early_warning() {
    let wall = Wall::new();
    let policy = IssuancePolicy::new().max_age(MaxAge::warn(8 * DAY));
    let builder = KeyRing::builder().policy(policy).wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    ring.issue(request_for("brief").lifetime(4 * DAY))
        .await
        .unwrap();
    ring.issue(request_for("aged")).await.unwrap();
    let warnings = |client: &str| {
        let warnings = ring.warnings();
        let about = warnings
            .iter()
            .find(|about| about.client.as_str() == client);
        about.map(|about| about.what)
    };
    let both = || (warnings("brief"), warnings("aged"));
    assert_eq!(both(), (None, None));
    wall.jump(3 * 24 * 60 * 60);
    assert_eq!(both(), (Some(Ageing::EndsSoon), None));
    wall.jump(3 * 24 * 60 * 60);
    assert_eq!(both(), (None, Some(Ageing::SoonTooOld)));
}

#[tokio::test(start_paused = true)]
async fn import_accepts_strong_external_keys() {
    let ring = ring().await;
    let weak = ExternalKey::token(&Secret::from("sk-1f0c"));
    assert_eq!(weak.unwrap_err().kind(), KeySetErrorKind::Weak);
    let known = ExternalKey::token(&Secret::from("sk-1234"));
    assert_eq!(known.unwrap_err().kind(), KeySetErrorKind::WellKnown);

    let token = Secret::from("sk-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
    let strong = ExternalKey::token(&token).unwrap();
    let imported = ring
        .import(request_for("client"), strong.clone())
        .await
        .unwrap();
    let Imported::Now(id) = imported else {
        panic!("{imported:?}");
    };
    let again = ring
        .import(request_for("client"), strong.clone())
        .await
        .unwrap();
    assert_eq!(again, Imported::Before(id));
    let unseen = ExternalKey::digest(KeyDigest::of(b"nobody here has seen it"));
    let unseen = unseen.named("unseen".parse().unwrap());
    ring.import(request_for("client"), unseen).await.unwrap();
    let provenance: Vec<_> = ring.list().iter().map(|listed| listed.provenance).collect();
    assert_eq!(provenance, [Provenance::Imported, Provenance::Unchecked]);

    ring.revoke(RevokeRequest::token(&token)).await.unwrap();
    let again = ring.import(request_for("client"), strong).await;
    assert!(
        matches!(
            again.as_ref().unwrap_err().not_allowed(),
            Some(NotAllowed::Revoked(_))
        ),
        "{again:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn revoked_external_key_cannot_be_imported_again() {
    let wall = Wall::new();
    let policy = IssuancePolicy::new().purge_after(Duration::ZERO);
    let builder = KeyRing::builder().policy(policy).wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let token = Secret::from("sk-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
    let foreign = || ExternalKey::token(&token).unwrap();
    let brief = || request_for("client").lifetime(minutes(1));
    let leaked = ring.import(brief(), foreign()).await.unwrap();
    ring.revoke(leaked.id()).await.unwrap();
    wall.jump(24 * 60 * 60);
    assert_eq!(ring.purge().await.unwrap(), []);
    let again = ring.import(request_for("client"), foreign()).await;
    let revoked = NotAllowed::Revoked(leaked.id().clone());
    assert_eq!(again.unwrap_err().not_allowed(), Some(&revoked));
}

#[tokio::test(start_paused = true)]
async fn key_scopes_stay_within_client_scopes() {
    let ring = ring().await;
    let both = || "chat:write models:read".parse().unwrap();
    ring.set_scopes(&client(), both()).await.unwrap();
    let narrow = IssueRequest::new(client()).scopes("chat:write".parse().unwrap());
    let narrow = ring.issue(narrow).await.unwrap();
    let wide = ring.issue(IssueRequest::new(client())).await.unwrap();
    let scopes = |id: &KeyId| {
        let listed = ring.list().into_iter().find(|listed| listed.id == *id);
        listed.unwrap().scopes.to_string()
    };
    assert_eq!(scopes(narrow.id()), "chat:write");
    assert_eq!(scopes(wide.id()), "chat:write models:read");
    let beyond = ring
        .set_scopes(&client(), "models:read".parse().unwrap())
        .await;
    assert!(
        matches!(
            beyond.as_ref().unwrap_err().not_allowed(),
            Some(NotAllowed::Invalid(_))
        ),
        "{beyond:?}"
    );

    ring.revoke(wide.id()).await.unwrap();
    let rotated = ring
        .rotate(RotateRequest::with_grace(narrow.id(), minutes(1)))
        .await
        .unwrap();
    assert_eq!(
        scopes(rotated.id()),
        "chat:write",
        "a successor has the same scopes"
    );
}

#[tokio::test(start_paused = true)]
async fn ended_keys_do_not_prevent_narrowing() {
    let wall = Wall::new();
    let traced = Traced::new();
    let builder = KeyRing::builder().wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let both: Scopes = "chat:write models:read".parse().unwrap();
    ring.set_scopes(&client(), both).await.unwrap();
    let narrow = || IssueRequest::new(client()).scopes("chat:write".parse().unwrap());
    let revoked = ring.issue(narrow()).await.unwrap();
    let expired = ring.issue(narrow().lifetime(minutes(1))).await.unwrap();
    ring.revoke(revoked.id()).await.unwrap();
    let narrower = || "models:read".parse().unwrap();
    let live = ring.set_scopes(&client(), narrower()).await;
    assert_eq!(live.unwrap_err().kind(), KeyRingErrorKind::NotAllowed);

    wall.jump(60);
    ring.set_scopes(&client(), narrower()).await.unwrap();
    for id in [revoked.id(), expired.id()] {
        let listed = ring.list().into_iter().find(|listed| listed.id == *id);
        assert_eq!(listed.unwrap().scopes, Scopes::default());
    }
    let log = traced.text();
    assert!(
        log.contains("changed the scopes or roles of a client"),
        "{log}"
    );
    assert!(!log.contains("retired"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn key_with_all_scopes_follows_its_client() {
    let ring = ring().await;
    let scopes = |text: &str| -> Scopes { text.parse().unwrap() };
    let request_for = |client: &str, key: &str| {
        let client = IssueRequest::new(self::client()).or_new_client(scopes(client));
        client.scopes(scopes(key))
    };
    let first = ring.issue(request_for("a b", "a b")).await.unwrap();
    let second = ring.issue(request_for("a b", "a b")).await.unwrap();
    let own = |id: &KeyId| ring.state().key(id).unwrap().scopes().cloned();
    assert_eq!(own(first.id()), None);
    assert_eq!(own(second.id()), Some(scopes("a b")), "it was there before");
    ring.revoke(second.id()).await.unwrap();
    ring.set_scopes(&client(), scopes("b")).await.unwrap();
    let listed = ring.list().into_iter().find(|key| key.id == *first.id());
    assert_eq!(listed.unwrap().scopes, scopes("b"));
}

#[tokio::test(start_paused = true)]
async fn logs_and_debug_hold_no_secret() {
    let traced = Traced::new();
    let ring = ring().await;
    let key = issued(&ring).await;
    let rotated = ring
        .rotate(RotateRequest::with_grace(key.id(), minutes(1)))
        .await
        .unwrap();
    ring.retire(key.id()).await.unwrap();
    ring.revoke(rotated.id()).await.unwrap();
    ring.disable(&client()).await.unwrap();
    let refused = ring
        .rotate(RotateRequest::compromised(client()))
        .await
        .unwrap_err();
    let state = ring.state();
    let printed = format!(
        "{ring:?} {key:?} {rotated:?} {refused:?} {state:?} {:?} {:?} {:?}",
        ring.list(),
        ring.warnings(),
        state.keys().collect::<Vec<_>>()
    );
    let log = traced.text();
    for event in [
        "issued a key",
        "rotated a key",
        "retired a key",
        "revoked a key",
        "disabled a client",
    ] {
        assert!(log.contains(event), "{event}: {log}");
    }
    let token = String::from_utf8(key.token().expose_secret().to_vec()).unwrap();
    let secret = token.rsplit('_').next().unwrap();
    let digest = key.digest().to_text();
    for text in [printed, log] {
        assert!(text.contains(key.id().as_str()));
        assert!(
            !text.contains(&secret[..8]) && !text.contains(&digest[7..15]),
            "{text}"
        );
    }
}
