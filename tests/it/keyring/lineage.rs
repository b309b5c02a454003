//! Successors and lineages of keys.

use std::time::Duration;

use tower_rotating_auth::{
    inbound::{KeyDigest, KeyId, KeyStatus, Scopes},
    keyring::{
        ClientEntry, IdempotencyKey, IssuancePolicy, KeyEntry, KeyRing, KeyRingState, KeySelector,
        MemoryStore, NotAllowed, RevokeRequest, RotateRequest, Rotated,
    },
};

use super::{client, issued, ring};
use crate::support::{Wall, minutes, secs};

const DAY: Duration = secs(24 * 60 * 60);

#[tokio::test(start_paused = true)]
async fn successor_of_undated_key_expires_too() {
    let wall = Wall::new();
    let now = wall.now();
    for made in [None, Some(now + 3 * DAY)] {
        let owner = ClientEntry::new(client(), Scopes::default());
        let digest = KeyDigest::of(b"written by hand");
        let entry = KeyEntry::new("by-hand".parse().unwrap(), client(), digest)
            .with_created_at(made)
            .with_not_after(now + 2 * DAY);
        let store = MemoryStore::new(KeyRingState::new(1, [owner], [entry]).unwrap());
        let builder = KeyRing::builder().wall_clock(wall.reader());
        let ring = builder.start(store).await.unwrap();
        let rotated = ring
            .rotate(RotateRequest::with_grace(client(), DAY))
            .await
            .unwrap();
        let listed = ring.list().into_iter().find(|key| key.id == *rotated.id());
        assert_eq!(listed.unwrap().ends_at, Some(now + 2 * DAY), "{made:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn successor_may_be_indirect() {
    let wall = Wall::new();
    let policy = IssuancePolicy::new().max_live_keys(4).lifetime(10 * DAY);
    let builder = KeyRing::builder().policy(policy).wall_clock(wall.reader());
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let first = issued(&ring).await;
    let second = ring
        .rotate(RotateRequest::with_grace(client(), 7 * DAY))
        .await
        .unwrap();
    let third = ring
        .rotate(RotateRequest::with_grace(client(), Duration::ZERO))
        .await
        .unwrap();
    assert_ne!(second.id(), third.id());
    let again = ring
        .rotate(RotateRequest::with_grace(first.id(), DAY))
        .await;
    let superseded = NotAllowed::Superseded {
        key: first.id().clone(),
        by: third.id().clone(),
    };
    assert_eq!(again.unwrap_err().not_allowed(), Some(&superseded));
    wall.jump(5 * 24 * 60 * 60);
    let listed: Vec<_> = ring
        .warnings()
        .into_iter()
        .map(|warning| warning.key)
        .collect();
    assert!(!listed.contains(first.id()), "{listed:?}");
    let fourth = ring
        .rotate(RotateRequest::with_grace(client(), DAY))
        .await
        .unwrap();
    assert!(matches!(fourth, Rotated::Now { rotation, .. } if rotation.replaced == *third.id()));
    ring.retire(first.id()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn circular_replaces_is_not_a_successor() {
    let wall = Wall::new();
    let key = |id: &str, replaces: &str| {
        let digest = KeyDigest::of(format!("the key {id}").as_bytes());
        let entry = KeyEntry::new(id.parse().unwrap(), client(), digest);
        entry.with_replaces(replaces.parse::<KeyId>().unwrap())
    };
    let keys = [key("1", "2"), key("2", "1").with_revoked_at(wall.now())];
    let owner = ClientEntry::new(client(), Scopes::default());
    let store = MemoryStore::new(KeyRingState::new(1, [owner], keys).unwrap());
    let builder = KeyRing::builder().wall_clock(wall.reader());
    let ring = builder.start(store).await.unwrap();
    let live: KeyId = "1".parse().unwrap();
    let retired = ring.retire(&live).await;
    let alone = NotAllowed::NotSuperseded(live.clone());
    assert_eq!(retired.unwrap_err().not_allowed(), Some(&alone));
    let rotated = ring.rotate(RotateRequest::with_grace(client(), DAY)).await;
    assert!(matches!(rotated, Ok(Rotated::Now { rotation, .. }) if rotation.replaced == live));
}

#[tokio::test(start_paused = true)]
async fn key_in_grace_is_selected_last() {
    let ring = ring().await;
    let first = issued(&ring).await;
    let lost = ring
        .rotate(RotateRequest::with_grace(client(), DAY))
        .await
        .unwrap();
    ring.revoke(lost.id()).await.unwrap();
    let other = issued(&ring).await;
    let rotated = ring
        .rotate(RotateRequest::with_grace(client(), DAY))
        .await
        .unwrap();
    assert!(matches!(rotated, Rotated::Now { rotation, .. } if rotation.replaced == *other.id()));
    ring.revoke(RevokeRequest::from(other.id())).await.unwrap();
    assert!(ring.list().iter().any(|key| key.id == *first.id()));
}

#[tokio::test(start_paused = true)]
async fn compromised_rotation_revokes_lineage() {
    let policy = IssuancePolicy::new().max_live_keys(4);
    let builder = KeyRing::builder().policy(policy);
    let ring = builder.start(MemoryStore::default()).await.unwrap();
    let first = issued(&ring).await;
    let apart = issued(&ring).await;
    let second = ring
        .rotate(RotateRequest::with_grace(first.id(), minutes(9)))
        .await
        .unwrap();
    let third = ring
        .rotate(RotateRequest::with_grace(second.id(), minutes(9)))
        .await
        .unwrap();
    // The leaked key is in the middle.
    let fourth = ring
        .rotate(RotateRequest::compromised(second.id()))
        .await
        .unwrap();
    let states: Vec<_> = ring
        .list()
        .iter()
        .map(|listed| (listed.id.clone(), listed.status))
        .collect();
    let revoked = KeyStatus::Revoked;
    assert_eq!(
        states,
        [
            (first.id().clone(), revoked),
            (apart.id().clone(), KeyStatus::Active),
            (second.id().clone(), revoked),
            (third.id().clone(), revoked),
            (fourth.id().clone(), KeyStatus::Active),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn compromised_rotation_is_idempotent() {
    let once = |mark: &str| mark.parse::<IdempotencyKey>().unwrap();
    let ring = ring().await;
    let first = issued(&ring).await;
    let planned =
        || RotateRequest::with_grace(first.id(), minutes(9)).idempotency_key(once("planned"));
    let second = ring.rotate(planned()).await.unwrap();
    for which in [KeySelector::from(first.id()), KeySelector::from(client())] {
        let leaked = RotateRequest::compromised(which).idempotency_key(once("planned"));
        let passed = ring.rotate(leaked).await.unwrap_err();
        let reused = NotAllowed::IdempotencyKeyReused(second.id().clone());
        assert_eq!(passed.not_allowed(), Some(&reused));
    }
    // The leaked key already has a successor, which is the one that is replaced.
    let leaked = || RotateRequest::compromised(first.id()).idempotency_key(once("leaked"));
    let third = ring.rotate(leaked()).await.unwrap();
    let again = ring.rotate(leaked()).await.unwrap();
    assert!(matches!(again, Rotated::Before(key) if key == *third.id()));
    let live: Vec<_> = ring
        .list()
        .into_iter()
        .filter(|key| key.status == KeyStatus::Active)
        .collect();
    assert_eq!(live.len(), 1);
    let again = ring.rotate(planned()).await.unwrap();
    assert_eq!(again.id(), second.id());
}
