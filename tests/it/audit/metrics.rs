//! Metrics, through a recorder that keeps them.

use std::time::SystemTime;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tower::Layer;
use tower_rotating_auth::{
    Rotating, Secret,
    inbound::{KeyDigest, KeyRecord, KeySet, RequireKeyLayer},
    keyring::{IssueRequest, KeyRing, MemoryStore, RotateRequest},
    metrics::record_keys,
    outbound::{Credential, InjectKeyLayer, RotatingCredential},
    source::{Expiry, Fetch, Fetched, Source, SourceError},
};

use super::super::outbound::{ORIGIN, World, post};
use super::{status, with};
use crate::support::{Wall, millis, minutes, moment, pass, secs};

/// The metrics that were recorded. A snapshot takes counters, so there is one.
pub(super) struct Recorded(Vec<(String, f64)>);

impl Recorded {
    pub(super) fn of(snapshotter: &Snapshotter) -> Self {
        let entry = |(key, _, _, value)| {
            let key: metrics_util::CompositeKey = key;
            let labels = key.key().labels();
            let labels: Vec<_> = labels
                .map(|l| format!("{}={}", l.key(), l.value()))
                .collect();
            let value = match value {
                DebugValue::Counter(count) => u32::try_from(count).unwrap().into(),
                DebugValue::Gauge(value) => value.into_inner(),
                DebugValue::Histogram(_) => f64::NAN,
            };
            (format!("{} {}", key.key().name(), labels.join(" ")), value)
        };
        Self(
            snapshotter
                .snapshot()
                .into_vec()
                .into_iter()
                .map(entry)
                .collect(),
        )
    }

    #[track_caller]
    pub(super) fn get(&self, name: &str) -> f64 {
        let found = self.0.iter().find(|(key, _)| key == name);
        found
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.0))
            .1
    }
}

#[tokio::test(start_paused = true)]
async fn upstream_key_has_metrics() {
    let recorder = DebuggingRecorder::new();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let wall = Wall::new();
    let world = World::new("first");
    let builder = RotatingCredential::builder()
        .name("openai")
        .wall_clock(wall.reader());
    let key = world.key_by(builder, millis(20)).await;
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let call = || inject.layer(world.upstream()).oneshot(post("body"));
    assert_eq!(call().await.unwrap().status(), 200);
    pass(minutes(10)).await;
    world.rotate("second");
    assert_eq!(call().await.unwrap().status(), 200);
    key.refresh().await.unwrap();
    pass(minutes(10)).await;
    world.break_store();
    assert!(key.refresh().await.is_err());

    let recorded = Recorded::of(&recorder.snapshotter());
    assert_eq!(recorded.get("rotating_auth_generation name=openai"), 2.0);
    let success = "rotating_auth_last_success_timestamp_seconds name=openai";
    let age = recorded.get(success) - Wall::BEGAN.as_secs_f64();
    assert!((600.0..602.0).contains(&age), "{age}");
    let expiry = "rotating_auth_expiry_timestamp_seconds name=openai";
    assert_eq!(recorded.get(expiry), f64::INFINITY);
    let refreshes = |outcome| {
        recorded.get(&format!(
            "rotating_auth_refreshes_total name=openai outcome={outcome}"
        ))
    };
    assert_eq!(refreshes("rotated"), 1.0);
    assert_eq!(refreshes("unchanged"), 1.0);
    assert!(refreshes("transient") >= 1.0);
    assert_eq!(
        recorded.get("rotating_auth_rejections_total name=openai"),
        1.0
    );
    let replays = "rotating_auth_replays_total name=openai outcome=recovered";
    assert_eq!(recorded.get(replays), 1.0);
}

#[tokio::test(start_paused = true)]
async fn client_keys_have_metrics() {
    let recorder = DebuggingRecorder::new();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let wall = Wall::new();
    let ring = KeyRing::builder().name("clients").wall_clock(wall.reader());
    let ring = ring.start(MemoryStore::default()).await.unwrap();
    let mut keys = Vec::new();
    for client in ["a", "b", "c"] {
        let request = IssueRequest::new(client.parse().unwrap());
        let request = request.or_new_client("".parse().unwrap());
        keys.push(ring.issue(request).await.unwrap().into_new().unwrap());
        pass(secs(60)).await;
    }
    ring.rotate(RotateRequest::with_grace(keys[0].id(), minutes(60)))
        .await
        .unwrap();
    ring.revoke(keys[1].id()).await.unwrap();
    let layer = RequireKeyLayer::new(ring.keys());
    let token = std::str::from_utf8(keys[1].token().expose_secret()).unwrap();
    for _ in 0..500 {
        assert_eq!(status(&layer, with("/", token, "1")).await, 401);
    }
    record_keys(&ring.keys(), wall.now());

    let recorded = Recorded::of(&recorder.snapshotter());
    let number = |state| recorded.get(&format!("rotating_auth_keys name=clients state={state}"));
    let states = [
        "active",
        "in_grace",
        "revoked",
        "expired",
        "not_yet_valid",
        "disabled",
    ];
    assert_eq!(states.map(number), [2.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    let oldest = "rotating_auth_oldest_key_created_timestamp_seconds name=clients";
    assert_eq!(recorded.get(oldest), Wall::BEGAN.as_secs_f64() + 120.0);
    let refusals = "rotating_auth_refusals_total name=clients reason=revoked";
    assert_eq!(recorded.get(refusals), 500.0);
}

#[tokio::test(start_paused = true)]
async fn counters_of_alerts_exist_before_the_first_refusal() {
    let recorder = DebuggingRecorder::new();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let moment = SystemTime::UNIX_EPOCH + secs(2_000_000_000);
    let record = KeyRecord::new(
        "k1".parse().unwrap(),
        "web".parse().unwrap(),
        "".parse().unwrap(),
    );
    let key = (
        KeyDigest::of(b"valid-8Zk1tQ0mVd7RyXw3LpHs5N"),
        record.with_not_after(moment),
    );
    let (keys, _publisher) = Rotating::builder()
        .name("k")
        .manual(KeySet::new([key]).unwrap());
    drop(RequireKeyLayer::new(keys.clone()));
    record_keys(&keys, moment - secs(60));
    let recorded = Recorded::of(&recorder.snapshotter());
    assert_eq!(
        recorded.get("rotating_auth_refusals_total name=k reason=revoked"),
        0.0
    );
    let next = "rotating_auth_next_key_expiry_timestamp_seconds name=k";
    assert_eq!(recorded.get(next), 2_000_000_000.0);
}

/// A source whose key lasts an hour.
struct Lasting;

impl Source for Lasting {
    type Value = Credential;

    async fn fetch(
        &mut self,
        _: Fetch<'_, Credential>,
    ) -> Result<Fetched<Credential>, SourceError> {
        let credential = Credential::bearer(&Secret::from("sk-0123456789")).unwrap();
        Ok(Fetched::new(credential).expires(Expiry::In(secs(3600))))
    }
}

#[tokio::test(start_paused = true)]
async fn gauges_end_with_what_they_are_about() {
    let recorder = DebuggingRecorder::new();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let wall = Wall::new();
    let ring = KeyRing::builder().name("clients").wall_clock(wall.reader());
    let ring = ring.start(MemoryStore::default()).await.unwrap();
    let request = IssueRequest::new("a".parse().unwrap()).or_new_client("".parse().unwrap());
    let key = ring.issue(request).await.unwrap().into_new().unwrap();
    record_keys(&ring.keys(), wall.now());
    ring.revoke(key.id()).await.unwrap();
    record_keys(&ring.keys(), wall.now());
    let upstream = RotatingCredential::builder().name("openai");
    let upstream = upstream.start(Lasting).await.unwrap();
    let recorded = Recorded::of(&recorder.snapshotter());
    let oldest = "rotating_auth_oldest_key_created_timestamp_seconds name=clients";
    assert_eq!(recorded.get(oldest), f64::INFINITY);
    let expiry = "rotating_auth_expiry_timestamp_seconds name=openai";
    assert!(recorded.get(expiry).is_finite());

    drop(upstream);
    moment().await;
    let recorded = Recorded::of(&recorder.snapshotter());
    assert_eq!(recorded.get(expiry), f64::INFINITY);
}

#[tokio::test(start_paused = true)]
async fn successor_of_the_same_name_has_its_own_expiry() {
    let recorder = DebuggingRecorder::new();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let start = || RotatingCredential::builder().name("openai").start(Lasting);
    let before = start().await.unwrap();
    let _after = start().await.unwrap();
    drop(before);
    pass(secs(31)).await;
    let recorded = Recorded::of(&recorder.snapshotter());
    let expiry = "rotating_auth_expiry_timestamp_seconds name=openai";
    assert!(recorded.get(expiry).is_finite());
}
