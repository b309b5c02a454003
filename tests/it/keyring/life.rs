//! What a program that has a key ring sees of it: at the door, in its handlers, in its log.

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

use super::{client, is_valid_at, issued, ring, terms};
use crate::support::{Traced, Wall, minutes, secs};

const DAY: Duration = secs(24 * 60 * 60);

/// Hands the caller's principal out.
async fn hello(request: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
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

async fn status<S, B>(door: &S, key: &NewKey) -> u16
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible> + Clone,
{
    let request = presenting(key.token().expose_secret());
    door.clone()
        .oneshot(request)
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test(start_paused = true)]
async fn what_an_operation_says_is_in_force_in_every_clone_when_it_returns() {
    let ring = ring().await;
    let layer = RequireKeyLayer::new(ring.keys());
    let doors = [
        layer.layer(service_fn(hello)),
        layer.clone().layer(service_fn(hello)),
    ];
    let doors: Vec<_> = doors
        .iter()
        .flat_map(|door| [door.clone(), door.clone()])
        .collect();
    let key = issued(&ring).await;
    let second = ring
        .rotate(RotateRequest::with_grace(key.id(), minutes(1)))
        .await
        .unwrap();
    let second = second.into_new().unwrap();
    for door in &doors {
        assert_eq!(
            (status(door, &key).await, status(door, &second).await),
            (200, 200)
        );
    }
    ring.disable(&client()).await.unwrap();
    for door in &doors {
        assert_eq!(
            (status(door, &key).await, status(door, &second).await),
            (401, 401)
        );
    }
    ring.enable(&client()).await.unwrap();
    ring.retire(key.id()).await.unwrap();
    for door in &doors {
        assert_eq!(
            (status(door, &key).await, status(door, &second).await),
            (401, 200)
        );
    }
    ring.revoke(RevokeRequest::token(second.token()))
        .await
        .unwrap();
    for door in &doors {
        assert_eq!(
            (status(door, &key).await, status(door, &second).await),
            (401, 401)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_ring_knows_when_each_key_was_last_used_whatever_happens_to_it() {
    let wall = Wall::new();
    let builder = KeyRing::builder().wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let door = RequireKeyLayer::new(ring.keys()).layer(service_fn(hello));
    let (key, unused) = (issued(&ring).await, issued(&ring).await);
    let used = || {
        ring.list()
            .iter()
            .map(|listed| listed.last_used)
            .collect::<Vec<_>>()
    };
    assert_eq!(used(), [None, None]);
    let first = SystemTime::UNIX_EPOCH + Wall::BEGAN;
    assert_eq!(status(&door, &key).await, 200);
    wall.jump(59);
    assert_eq!(status(&door, &key).await, 200);
    assert_eq!(used(), [Some(first), None], "to the minute");
    wall.jump(1);
    assert_eq!(status(&door, &key).await, 200);
    ring.revoke(unused.id()).await.unwrap();
    assert_eq!(status(&door, &unused).await, 401);
    ring.revoke(key.id()).await.unwrap();
    assert_eq!(used(), [Some(first + minutes(1)), None]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_hears_of_a_revocation() {
    let ring = ring().await;
    let door = RequireKeyLayer::new(ring.keys()).layer(service_fn(hello));
    let key = issued(&ring).await;
    let request = presenting(key.token().expose_secret());
    let answer = door.oneshot(request).await.unwrap();
    let principal = answer.extensions().get::<Principal>().unwrap();
    let principal = principal.key().unwrap().clone();
    let mut ended = Box::pin(principal.revoked());
    assert_eq!(ended.as_mut().now_or_never(), None);

    let other = ring.issue(terms("another")).await.unwrap();
    ring.revoke(other.id()).await.unwrap();
    assert_eq!(
        ended.as_mut().now_or_never(),
        None,
        "another key is another key"
    );
    ring.revoke(key.id()).await.unwrap();
    assert_eq!(ended.now_or_never(), Some(KeyStatus::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_is_valid_until_its_grace_is_over_and_the_new_one_after_that() {
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
async fn keys_that_grow_old_are_told_of_and_are_refused_where_the_policy_says_so() {
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
        "it is told of, and served"
    );

    let strict = old(MaxAge::refuse(30 * DAY)).start(store).await.unwrap();
    assert!(
        !is_valid_at(&strict, &key, wall.now()),
        "it is refused, whoever made it"
    );
    let rotated = strict
        .rotate(RotateRequest::with_grace(key.id(), minutes(1)))
        .await;
    let expired = NotAllowed::Expired(key.id().clone());
    assert_eq!(rotated.unwrap_err().not_allowed(), Some(&expired));
    let new = strict
        .issue(terms("client"))
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
        "no key outlives the greatest age"
    );
    let too_long = strict.issue(terms("client").lifetime(31 * DAY)).await;
    assert!(matches!(
        too_long.as_ref().unwrap_err().not_allowed(),
        Some(NotAllowed::TooLong { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_lives_shorter_than_the_warning_is_ahead_is_not_told_of_at_once() {
    let wall = Wall::new();
    let policy = IssuancePolicy::new().max_age(MaxAge::warn(8 * DAY));
    let builder = KeyRing::builder().policy(policy).wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    ring.issue(terms("brief").lifetime(4 * DAY)).await.unwrap();
    ring.issue(terms("aged")).await.unwrap();
    let told = |client: &str| {
        let warnings = ring.warnings();
        let about = warnings
            .iter()
            .find(|about| about.client.as_str() == client);
        about.map(|about| about.what)
    };
    let both = || (told("brief"), told("aged"));
    assert_eq!(both(), (None, None));
    wall.jump(3 * 24 * 60 * 60);
    assert_eq!(both(), (Some(Ageing::EndsSoon), None));
    wall.jump(3 * 24 * 60 * 60);
    assert_eq!(both(), (None, Some(Ageing::SoonTooOld)));
}

#[tokio::test(start_paused = true)]
async fn keys_of_other_makers_are_taken_in_when_they_may_be_strong() {
    let ring = ring().await;
    let weak = ExternalKey::token(&Secret::from("sk-1f0c"));
    assert_eq!(weak.unwrap_err().kind(), KeySetErrorKind::Weak);
    let known = ExternalKey::token(&Secret::from("sk-1234"));
    assert_eq!(known.unwrap_err().kind(), KeySetErrorKind::WellKnown);

    let token = Secret::from("sk-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
    let strong = ExternalKey::token(&token).unwrap();
    let imported = ring.import(terms("client"), strong.clone()).await.unwrap();
    let Imported::Now(id) = imported else {
        panic!("{imported:?}");
    };
    let again = ring.import(terms("client"), strong.clone()).await.unwrap();
    assert_eq!(again, Imported::Before(id));
    let unseen = ExternalKey::digest(KeyDigest::of(b"nobody here has seen it"));
    let unseen = unseen.named("unseen".parse().unwrap());
    ring.import(terms("client"), unseen).await.unwrap();
    let provenance: Vec<_> = ring.list().iter().map(|listed| listed.provenance).collect();
    assert_eq!(provenance, [Provenance::Imported, Provenance::Unchecked]);

    ring.revoke(RevokeRequest::token(&token)).await.unwrap();
    let again = ring.import(terms("client"), strong).await;
    assert!(
        matches!(
            again.as_ref().unwrap_err().not_allowed(),
            Some(NotAllowed::Revoked(_))
        ),
        "{again:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_of_another_maker_that_was_revoked_does_not_come_back_however_long_ago_it_ended() {
    let wall = Wall::new();
    let policy = IssuancePolicy::new().purge_after(Duration::ZERO);
    let builder = KeyRing::builder().policy(policy).wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let token = Secret::from("sk-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
    let foreign = || ExternalKey::token(&token).unwrap();
    let brief = || terms("client").lifetime(minutes(1));
    let leaked = ring.import(brief(), foreign()).await.unwrap();
    ring.revoke(leaked.id()).await.unwrap();
    wall.jump(24 * 60 * 60);
    assert_eq!(ring.purge().await.unwrap(), []);
    let again = ring.import(terms("client"), foreign()).await;
    let revoked = NotAllowed::Revoked(leaked.id().clone());
    assert_eq!(again.unwrap_err().not_allowed(), Some(&revoked));
}

#[tokio::test(start_paused = true)]
async fn scopes_are_the_clients_or_fewer() {
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
        "a successor may do the same"
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_that_has_ended_does_not_keep_its_client_from_being_narrowed() {
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
    let told = traced.text();
    assert!(told.contains("changed what a client may do"), "{told}");
    assert!(!told.contains("retires"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_may_do_all_that_its_new_client_may_goes_by_its_client() {
    let ring = ring().await;
    let scopes = |text: &str| -> Scopes { text.parse().unwrap() };
    let terms = |client: &str, key: &str| {
        let client = IssueRequest::new(self::client()).or_new_client(scopes(client));
        client.scopes(scopes(key))
    };
    let first = ring.issue(terms("a b", "a b")).await.unwrap();
    let second = ring.issue(terms("a b", "a b")).await.unwrap();
    let own = |id: &KeyId| ring.state().key(id).unwrap().scopes().cloned();
    assert_eq!(own(first.id()), None);
    assert_eq!(own(second.id()), Some(scopes("a b")), "it was there before");
    ring.revoke(second.id()).await.unwrap();
    ring.set_scopes(&client(), scopes("b")).await.unwrap();
    let listed = ring.list().into_iter().find(|key| key.id == *first.id());
    assert_eq!(listed.unwrap().scopes, scopes("b"));
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_told_or_printed_has_a_token_or_a_digest_in_it() {
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
    let told = traced.text();
    for event in [
        "issued a key",
        "rotated a key",
        "a key retires",
        "revoked a key",
        "disabled a client",
    ] {
        assert!(told.contains(event), "{event}: {told}");
    }
    let token = String::from_utf8(key.token().expose_secret().to_vec()).unwrap();
    let secret = token.rsplit('_').next().unwrap();
    let digest = key.digest().to_text();
    for text in [printed, told] {
        assert!(text.contains(key.id().as_str()));
        assert!(
            !text.contains(&secret[..8]) && !text.contains(&digest[7..15]),
            "{text}"
        );
    }
}
