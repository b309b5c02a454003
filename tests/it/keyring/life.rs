//! What a program that has a key ring sees of it: at the door, in its handlers, in its log.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_rotating_auth::{
    Ageing, ClientEntry, Ended, ForeignKey, IdempotencyKey, Imported, KeyDigest, KeyEntry, KeyId,
    KeyPolicy, KeyRing, KeyState, KeyTerms, Ledger, MaxAge, MemoryStore, NewKey, NotAllowed,
    NotChanged, Principal, Provenance, RequireKey, Revoke, Rotate, Rotated, Scopes, Secret,
    UnfitKey, WhichKey,
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
    let layer = RequireKey::new(ring.keys());
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
        .rotate(Rotate::with_grace(key.id(), minutes(1)))
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
    ring.revoke(Revoke::token(second.token())).await.unwrap();
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
    let door = RequireKey::new(ring.keys()).layer(service_fn(hello));
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
    let door = RequireKey::new(ring.keys()).layer(service_fn(hello));
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
    assert_eq!(ended.now_or_never(), Some(Ended::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_is_valid_until_its_grace_is_over_and_the_new_one_after_that() {
    let wall = Wall::new();
    let builder = KeyRing::builder().wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let first = issued(&ring).await;
    let second = ring.rotate(Rotate::with_grace(client(), secs(10))).await;
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
        let policy = KeyPolicy::new().max_age(policy.warn_ahead(7 * DAY));
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
        .rotate(Rotate::with_grace(key.id(), minutes(1)))
        .await;
    let expired = NotAllowed::Expired(key.id().clone());
    assert!(matches!(rotated, Err(NotChanged::NotAllowed(why)) if why == expired));
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
        too_long,
        Err(NotChanged::NotAllowed(NotAllowed::TooLong { .. }))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_lives_shorter_than_the_warning_is_ahead_is_not_told_of_at_once() {
    let wall = Wall::new();
    let policy = KeyPolicy::new().max_age(MaxAge::warn(8 * DAY));
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
    let weak = ForeignKey::token(&Secret::from("sk-1f0c"));
    assert_eq!(weak.unwrap_err(), UnfitKey::Weak);
    let known = ForeignKey::token(&Secret::from("sk-1234"));
    assert_eq!(known.unwrap_err(), UnfitKey::WellKnown);

    let token = Secret::from("sk-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
    let strong = ForeignKey::token(&token).unwrap();
    let imported = ring.import(terms("client"), strong.clone()).await.unwrap();
    let Imported::Now(id) = imported else {
        panic!("{imported:?}");
    };
    let again = ring.import(terms("client"), strong.clone()).await.unwrap();
    assert_eq!(again, Imported::Before(id));
    let unseen = ForeignKey::digest(KeyDigest::of(b"nobody here has seen it"));
    let unseen = unseen.named("unseen".parse().unwrap());
    ring.import(terms("client"), unseen).await.unwrap();
    let provenance: Vec<_> = ring.list().iter().map(|listed| listed.provenance).collect();
    assert_eq!(provenance, [Provenance::Imported, Provenance::Unchecked]);

    ring.revoke(Revoke::token(&token)).await.unwrap();
    let again = ring.import(terms("client"), strong).await;
    assert!(
        matches!(again, Err(NotChanged::NotAllowed(NotAllowed::Revoked(_)))),
        "{again:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_of_another_maker_that_was_revoked_does_not_come_back_however_long_ago_it_ended() {
    let wall = Wall::new();
    let policy = KeyPolicy::new().purge_after(Duration::ZERO);
    let builder = KeyRing::builder().policy(policy).wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let token = Secret::from("sk-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
    let foreign = || ForeignKey::token(&token).unwrap();
    let brief = || terms("client").lifetime(minutes(1));
    let leaked = ring.import(brief(), foreign()).await.unwrap();
    ring.revoke(leaked.id()).await.unwrap();
    wall.jump(24 * 60 * 60);
    assert_eq!(ring.purge().await.unwrap(), []);
    let again = ring.import(terms("client"), foreign()).await;
    let revoked = NotAllowed::Revoked(leaked.id().clone());
    assert!(matches!(again, Err(NotChanged::NotAllowed(why)) if why == revoked));
}

#[tokio::test(start_paused = true)]
async fn scopes_are_the_clients_or_fewer() {
    let ring = ring().await;
    let both = || "chat:write models:read".parse().unwrap();
    ring.set_scopes(&client(), both()).await.unwrap();
    let narrow = KeyTerms::new(client()).scopes("chat:write".parse().unwrap());
    let narrow = ring.issue(narrow).await.unwrap();
    let wide = ring.issue(KeyTerms::new(client())).await.unwrap();
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
        matches!(beyond, Err(NotChanged::NotAllowed(NotAllowed::Invalid(_)))),
        "{beyond:?}"
    );

    ring.revoke(wide.id()).await.unwrap();
    let rotated = ring
        .rotate(Rotate::with_grace(narrow.id(), minutes(1)))
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
    let narrow = || KeyTerms::new(client()).scopes("chat:write".parse().unwrap());
    let revoked = ring.issue(narrow()).await.unwrap();
    let expired = ring.issue(narrow().lifetime(minutes(1))).await.unwrap();
    ring.revoke(revoked.id()).await.unwrap();
    let narrower = || "models:read".parse().unwrap();
    let live = ring.set_scopes(&client(), narrower()).await;
    assert!(matches!(live, Err(NotChanged::NotAllowed(_))), "{live:?}");

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
        let client = KeyTerms::new(self::client()).or_new_client(scopes(client));
        client.scopes(scopes(key))
    };
    let first = ring.issue(terms("a b", "a b")).await.unwrap();
    let second = ring.issue(terms("a b", "a b")).await.unwrap();
    let own = |id: &KeyId| ring.ledger().key(id).unwrap().scopes().cloned();
    assert_eq!(own(first.id()), None);
    assert_eq!(own(second.id()), Some(scopes("a b")), "it was there before");
    ring.revoke(second.id()).await.unwrap();
    ring.set_scopes(&client(), scopes("b")).await.unwrap();
    let listed = ring.list().into_iter().find(|key| key.id == *first.id());
    assert_eq!(listed.unwrap().scopes, scopes("b"));
}

#[tokio::test(start_paused = true)]
async fn the_successor_of_a_key_that_ends_ends_also_where_nobody_knows_how_old_that_is() {
    let wall = Wall::new();
    let now = wall.now();
    for made in [None, Some(now + 3 * DAY)] {
        let owner = ClientEntry::new(client(), Scopes::default());
        let digest = KeyDigest::of(b"written by hand");
        let entry = KeyEntry::new("by-hand".parse().unwrap(), client(), digest)
            .with_created_at(made)
            .with_not_after(now + 2 * DAY);
        let store = MemoryStore::new(Ledger::new(1, [owner], [entry]).unwrap());
        let builder = KeyRing::builder().wall_clock(wall.reader());
        let ring = builder.start(store).await.unwrap();
        let rotated = ring
            .rotate(Rotate::with_grace(client(), DAY))
            .await
            .unwrap();
        let listed = ring.list().into_iter().find(|key| key.id == *rotated.id());
        assert_eq!(listed.unwrap().ends_at, Some(now + 2 * DAY), "{made:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_successor_of_a_key_is_also_what_replaced_its_successor() {
    let wall = Wall::new();
    let policy = KeyPolicy::new().max_live_keys(4).lifetime(10 * DAY);
    let builder = KeyRing::builder().policy(policy).wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let first = issued(&ring).await;
    let second = ring
        .rotate(Rotate::with_grace(client(), 7 * DAY))
        .await
        .unwrap();
    let third = ring
        .rotate(Rotate::with_grace(client(), Duration::ZERO))
        .await
        .unwrap();
    assert_ne!(second.id(), third.id());
    let again = ring.rotate(Rotate::with_grace(first.id(), DAY)).await;
    let superseded = NotAllowed::Superseded {
        key: first.id().clone(),
        by: third.id().clone(),
    };
    assert!(matches!(again, Err(NotChanged::NotAllowed(why)) if why == superseded));
    wall.jump(5 * 24 * 60 * 60);
    let told: Vec<_> = ring
        .warnings()
        .into_iter()
        .map(|warning| warning.key)
        .collect();
    assert!(!told.contains(first.id()), "{told:?}");
    let fourth = ring
        .rotate(Rotate::with_grace(client(), DAY))
        .await
        .unwrap();
    assert!(matches!(fourth, Rotated::Now { rotation, .. } if rotation.replaced == *third.id()));
    ring.retire(first.id()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_is_no_successor_of_itself_whatever_somebody_has_written_by_hand() {
    let wall = Wall::new();
    let key = |id: &str, replaces: &str| {
        let digest = KeyDigest::of(format!("the key {id}").as_bytes());
        let entry = KeyEntry::new(id.parse().unwrap(), client(), digest);
        entry.with_replaces(replaces.parse::<KeyId>().unwrap())
    };
    let keys = [key("1", "2"), key("2", "1").with_revoked_at(wall.now())];
    let owner = ClientEntry::new(client(), Scopes::default());
    let store = MemoryStore::new(Ledger::new(1, [owner], keys).unwrap());
    let builder = KeyRing::builder().wall_clock(wall.reader());
    let ring = builder.start(store).await.unwrap();
    let live: KeyId = "1".parse().unwrap();
    let retired = ring.retire(&live).await;
    let alone = NotAllowed::NotSuperseded(live.clone());
    assert!(matches!(retired, Err(NotChanged::NotAllowed(why)) if why == alone));
    let rotated = ring.rotate(Rotate::with_grace(client(), DAY)).await;
    assert!(matches!(rotated, Ok(Rotated::Now { rotation, .. }) if rotation.replaced == live));
}

#[tokio::test(start_paused = true)]
async fn a_key_in_its_grace_is_meant_only_where_its_client_has_no_other() {
    let ring = ring().await;
    let first = issued(&ring).await;
    let lost = ring
        .rotate(Rotate::with_grace(client(), DAY))
        .await
        .unwrap();
    ring.revoke(lost.id()).await.unwrap();
    let other = issued(&ring).await;
    let rotated = ring
        .rotate(Rotate::with_grace(client(), DAY))
        .await
        .unwrap();
    assert!(matches!(rotated, Rotated::Now { rotation, .. } if rotation.replaced == *other.id()));
    ring.revoke(Revoke::from(other.id())).await.unwrap();
    assert!(ring.list().iter().any(|key| key.id == *first.id()));
}

#[tokio::test(start_paused = true)]
async fn a_leaked_lineage_ends_at_once_and_its_client_has_a_key() {
    let policy = KeyPolicy::new().max_live_keys(4);
    let builder = KeyRing::builder().policy(policy);
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let first = issued(&ring).await;
    let apart = issued(&ring).await;
    let second = ring
        .rotate(Rotate::with_grace(first.id(), minutes(9)))
        .await
        .unwrap();
    let third = ring
        .rotate(Rotate::with_grace(second.id(), minutes(9)))
        .await
        .unwrap();
    // The one that leaked is in the middle.
    let fourth = ring.rotate(Rotate::compromised(second.id())).await.unwrap();
    let states: Vec<_> = ring
        .list()
        .iter()
        .map(|listed| (listed.id.clone(), listed.state))
        .collect();
    let revoked = KeyState::Revoked;
    assert_eq!(
        states,
        [
            (first.id().clone(), revoked),
            (apart.id().clone(), KeyState::Active),
            (second.id().clone(), revoked),
            (third.id().clone(), revoked),
            (fourth.id().clone(), KeyState::Active),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_compromised_rotation_that_is_asked_for_again_is_done_once_and_no_other_passes_for_it() {
    let once = |mark: &str| mark.parse::<IdempotencyKey>().unwrap();
    let ring = ring().await;
    let first = issued(&ring).await;
    let planned = || Rotate::with_grace(first.id(), minutes(9)).idempotency_key(once("planned"));
    let second = ring.rotate(planned()).await.unwrap();
    for which in [WhichKey::from(first.id()), WhichKey::from(client())] {
        let leaked = Rotate::compromised(which).idempotency_key(once("planned"));
        let passed = ring.rotate(leaked).await.unwrap_err();
        let reused = NotAllowed::IdempotencyKeyReused(second.id().clone());
        assert!(matches!(passed, NotChanged::NotAllowed(why) if why == reused));
    }
    // The key that leaked has a successor already, and it is that which is replaced.
    let leaked = || Rotate::compromised(first.id()).idempotency_key(once("leaked"));
    let third = ring.rotate(leaked()).await.unwrap();
    let again = ring.rotate(leaked()).await.unwrap();
    assert!(matches!(again, Rotated::Before(key) if key == *third.id()));
    let live: Vec<_> = ring
        .list()
        .into_iter()
        .filter(|key| key.state == KeyState::Active)
        .collect();
    assert_eq!(live.len(), 1);
    let again = ring.rotate(planned()).await.unwrap();
    assert_eq!(again.id(), second.id());
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_told_or_printed_has_a_token_or_a_digest_in_it() {
    let traced = Traced::new();
    let ring = ring().await;
    let key = issued(&ring).await;
    let rotated = ring
        .rotate(Rotate::with_grace(key.id(), minutes(1)))
        .await
        .unwrap();
    ring.retire(key.id()).await.unwrap();
    ring.revoke(rotated.id()).await.unwrap();
    ring.disable(&client()).await.unwrap();
    let refused = ring
        .rotate(Rotate::compromised(client()))
        .await
        .unwrap_err();
    let ledger = ring.ledger();
    let printed = format!(
        "{ring:?} {key:?} {rotated:?} {refused:?} {ledger:?} {:?} {:?} {:?}",
        ring.list(),
        ring.warnings(),
        ledger.keys().collect::<Vec<_>>()
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
