//! Every action, from a real layer to a line of JSON.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::{
    Rotating, Secret,
    audit::{AuditAction, AuditEvent, AuditLog},
    inbound::{KeyDigest, KeyRecord, KeySet, RequireKeyLayer},
    keyring::{
        Commit, ExternalKey, IssuancePolicy, IssueRequest, KeyRing, KeyRingState, MemoryStore,
        NewKey, RotateRequest, Store, StoreError,
    },
    outbound::{InjectKeyLayer, RotatingCredential},
};

use super::{audit, status, with};
use crate::outbound::{ORIGIN, World, post};
use crate::support::{Wall, millis, moment, pass, secs};

/// Returns the words of the actions, as the source of the crate has them.
fn words() -> BTreeSet<String> {
    let source = include_str!("../../../src/audit/action.rs");
    let word = |line: &str| Some(line.split_once("=> \"")?.1.split_once('"')?.0.to_owned());
    source.lines().filter_map(word).collect()
}

/// Returns the lines of a key that is replaced by one that is not active at first, and then by none.
async fn of_upstream_key() -> Vec<Value> {
    let (audit, lines) = audit();
    let world = World::new("first");
    let builder = RotatingCredential::builder()
        .name("openai")
        .observer(audit.observer());
    let key = world.key_by(builder, millis(20)).await;
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let call = async || {
        let response = inject.layer(world.upstream()).oneshot(post("body")).await;
        response.unwrap().status().as_u16()
    };
    assert_eq!(call().await, 200);
    world.store("second");
    pass(secs(1)).await;
    key.refresh().await.unwrap();
    // For longer than the overlap, the upstream does not accept it.
    for _ in 0..40 {
        assert_eq!(call().await, 200);
        pass(secs(10)).await;
    }
    world.accept("second");
    assert_eq!(call().await, 200);
    pass(secs(60)).await;
    world.rotate("third");
    assert_eq!(call().await, 200);
    pass(secs(60)).await;
    world.break_store();
    assert!(key.refresh().await.is_err());
    world.accept("another");
    assert_eq!(call().await, 401);
    drop((key, inject, audit));
    pass(secs(1)).await;
    lines.json()
}

/// Returns the lines of a request whose second attempt fails.
async fn of_failed_replay() -> Vec<Value> {
    let (audit, lines) = audit();
    let world = World::new("first");
    let builder = RotatingCredential::builder()
        .name("openai")
        .observer(audit.observer());
    let key = world.key_by(builder, millis(20)).await;
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    world.rotate("second");
    let (sends, upstream) = (Arc::new(AtomicUsize::new(0)), world.upstream());
    let client = inject.layer(service_fn(move |request: Request<String>| {
        let is_first = sends.fetch_add(1, Ordering::Relaxed) == 0;
        let first = upstream.clone().oneshot(request);
        async move {
            match is_first {
                true => Ok::<Response<String>, &str>(first.await.unwrap()),
                false => Err("reset by peer"),
            }
        }
    }));
    assert!(client.oneshot(post("body")).await.is_err());
    drop((key, inject, audit));
    pass(secs(1)).await;
    lines.json()
}

/// Returns the lines of a client, and of a flood of others.
async fn of_requests() -> Vec<Value> {
    const VALID: &str = "valid-8Zk1tQ0mVd7RyXw3LpHs5N";
    let (audit, lines) = audit();
    let (id, client) = ("k1".parse().unwrap(), "web".parse().unwrap());
    let record = KeyRecord::new(id, client, "".parse().unwrap());
    let keys = KeySet::new([(KeyDigest::of(VALID.as_bytes()), record)]).unwrap();
    let (keys, _publisher) = Rotating::manual(keys);
    let layer = RequireKeyLayer::new(keys).observer(audit.observer());
    assert_eq!(status(&layer, with("/", VALID, "1")).await, 200);
    for _ in 0..30 {
        let unknown = with("/", "unknown-8Zk1tQ0mVd7RyXw3LpHs5N", "1");
        assert_eq!(status(&layer, unknown).await, 401);
    }
    drop((layer, audit));
    lines.json()
}

/// A store that can break.
#[derive(Clone, Default)]
struct Breaking {
    inner: MemoryStore,
    is_broken: Arc<Mutex<bool>>,
}

impl Store for Breaking {
    async fn load(&mut self) -> Result<KeyRingState, StoreError> {
        if *self.is_broken.lock().unwrap() {
            return Err(StoreError::new("the disk is gone"));
        }
        self.inner.load().await
    }

    async fn commit(&mut self, commit: Commit<'_>) -> Result<(), StoreError> {
        self.inner.commit(commit).await
    }
}

/// Returns the lines of a key ring whose operator does everything once.
async fn of_key_ring() -> Vec<Value> {
    let (audit, lines) = audit();
    let (store, wall) = (Breaking::default(), Wall::new());
    let ring = KeyRing::builder()
        .wall_clock(wall.reader())
        .policy(IssuancePolicy::new().purge_after(Duration::ZERO))
        .sync_every(secs(60))
        .observer(audit.observer());
    let ring = ring.start(store.clone()).await.unwrap();
    let client = "batch".parse().unwrap();
    let request = IssueRequest::new("batch".parse().unwrap()).or_new_client("".parse().unwrap());
    let issued = ring.issue(request.lifetime(secs(3600)));
    let old: NewKey = issued.await.unwrap().into_new().unwrap();
    let imported = ExternalKey::token(&Secret::from("sk-8Zk1tQ0mVd7RyXw3LpHs5N")).unwrap();
    let other = IssueRequest::new("other".parse().unwrap()).or_new_client("".parse().unwrap());
    ring.import(other, imported).await.unwrap();
    let rotated = ring.rotate(RotateRequest::with_grace(old.id(), secs(600)));
    let new = rotated.await.unwrap().into_new().unwrap();
    ring.retire(old.id()).await.unwrap();
    ring.revoke(new.id()).await.unwrap();
    ring.set_scopes(&client, "chat".parse().unwrap())
        .await
        .unwrap();
    ring.disable(&client).await.unwrap();
    ring.enable(&client).await.unwrap();
    wall.jump(24 * 60 * 60);
    assert!(!ring.purge().await.unwrap().is_empty());
    *store.is_broken.lock().unwrap() = true;
    pass(secs(120)).await;
    drop((ring, audit));
    moment().await;
    lines.json()
}

/// Returns the lines of a subscriber that is too slow for some events.
fn of_slow_subscriber() -> Vec<Value> {
    let (release, released) = sync_channel::<()>(0);
    let (sender, lines) = channel();
    let audit = AuditLog::new(move |event| {
        let _ = released.recv();
        let _ = sender.send(serde_json::from_str(&event.to_json()).unwrap());
    });
    let (value, mut publisher) = Rotating::builder().observer(audit.observer()).manual(0_u64);
    let mut published = 0;
    while audit.dropped() == 0 {
        published += 1;
        publisher.publish(published);
        std::thread::yield_now();
    }
    drop((value, publisher, release, audit));
    lines.into_iter().collect()
}

/// Returns the lines of a program that reads its configuration.
fn of_program() -> Vec<Value> {
    let (audit, lines) = audit();
    for action in [
        AuditAction::ConfigurationLoaded,
        AuditAction::ConfigurationRejected,
    ] {
        audit.record(AuditEvent::new(Wall::new().now(), "config".into(), action));
    }
    drop(audit);
    lines.json()
}

#[tokio::test(start_paused = true)]
async fn every_action_comes_from_a_layer_to_a_line() {
    let mut lines = of_upstream_key().await;
    lines.extend(of_failed_replay().await);
    lines.extend(of_requests().await);
    lines.extend(of_key_ring().await);
    lines.extend(of_slow_subscriber());
    lines.extend(of_program());
    let seen: BTreeSet<_> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap().to_owned())
        .collect();
    let mut expected = words();
    assert!(expected.remove("other"), "no line has it");
    assert_eq!(seen, expected);
    let table = include_str!("../../../src/audit/mod.rs");
    for word in &expected {
        assert!(table.contains(&format!("`{word}`")), "{word} is documented");
    }
    for line in &lines {
        assert!(
            line["time"].is_string() && line["name"].is_string(),
            "{line}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn upstream_lines_say_what_happened_to_whom() {
    let lines = of_upstream_key().await;
    let of = |event: &str| {
        let found = lines.iter().filter(move |line| line["event"] == event);
        found.cloned().collect::<Vec<_>>()
    };
    let fields = |line: &Value, fields: &[&str]| -> Vec<Value> {
        fields.iter().map(|field| line[*field].clone()).collect()
    };

    let request = ["request_id", "peer", "method", "route"];
    let described = [
        json!("7"),
        json!("api.example.com:443"),
        json!("POST"),
        json!(ORIGIN),
    ];
    for event in ["in_use", "fell_back", "replayed", "rejected"] {
        for line in of(event) {
            assert_eq!(fields(&line, &request), described, "{line}");
            assert_eq!(line["name"], "openai");
        }
    }
    let generations = |event: &str| -> Vec<_> {
        let lines = of(event).into_iter();
        lines
            .map(|line| line["generation"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(generations("in_use"), [1, 2, 3]);
    assert_eq!(generations("never_accepted"), [2]);
    assert_eq!(generations("rotated"), [2, 3]);

    let attempt =
        |generation: u64, result: &str| json!({"generation": generation, "result": result});
    let fell_back = &of("fell_back")[0];
    assert_eq!(
        fields(fell_back, &["generation", "reason"]),
        [json!(1), json!("not_active")]
    );
    assert_eq!(
        fell_back["attempts"],
        json!([attempt(2, "not_active"), attempt(1, "not_rejected")])
    );
    let replayed = of("replayed").pop().unwrap();
    assert_eq!(
        fields(&replayed, &["generation", "reason"]),
        [json!(3), json!("rejected")]
    );
    assert_eq!(
        replayed["attempts"],
        json!([attempt(2, "rejected"), attempt(3, "not_rejected")])
    );
    let failed = &of("refresh_failed")[0];
    assert_eq!(
        fields(failed, &["reason", "count"]),
        [json!("transient"), json!(1)]
    );
    assert_eq!(of("rejected")[0]["reason"], "no_send_left");
}
