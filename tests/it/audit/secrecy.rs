//! No secret is in an audit line, a metric or a span.

use http::{Request, Response};
use metrics_util::debugging::DebuggingRecorder;
use tower::Layer;
use tower_rotating_auth::{
    Rotating, Secret,
    audit::{AuditFile, AuditLog},
    inbound::{KeyDigest, KeyRecord, KeySet, RequireKeyLayer},
    keyring::{IssueRequest, KeyRing, MemoryStore, RotateRequest},
    metrics::{describe, record_keys},
    outbound::{InjectKeyLayer, RotatingCredential},
};

use super::super::outbound::{ORIGIN, World, post};
use super::{audit, status, with};
use crate::support::{Traced, millis, pass, secs};

const SENTINEL: &str = "sentinel-8Zk1tQ0mVd7RyXw3LpHs5N";

#[tokio::test(start_paused = true)]
async fn no_secret_in_line_metric_or_span() {
    let recorder = DebuggingRecorder::new();
    let metrics = recorder.snapshotter();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    describe();
    let traced = Traced::new();
    let (audit, lines) = audit();

    let digest = KeyDigest::of(SENTINEL.as_bytes());
    let record = || {
        KeyRecord::new(
            "k1".parse().unwrap(),
            "web".parse().unwrap(),
            "".parse().unwrap(),
        )
    };
    let set = |record| KeySet::new([(digest, record)]).unwrap();
    let builder = Rotating::builder()
        .name("client-keys")
        .observer(audit.observer());
    let (keys, mut publisher) = builder.manual(set(record()));
    let layer = RequireKeyLayer::new(keys.clone()).observer(audit.observer());
    // Each has an event: the first use, and the refusals.
    let query = "/?key=sentinel-8Zk1tQ0mVd7RyXw3LpHs5N";
    assert_eq!(status(&layer, with(query, SENTINEL, "1")).await, 200);
    publisher.publish(set(record().into_revoked()));
    assert_eq!(status(&layer, with("/", SENTINEL, "1")).await, 401);
    assert_eq!(
        status(
            &layer,
            with(query, "sentinel-8Zk1tQ0mVd7RyXw3LpHs5N-2", "1")
        )
        .await,
        401
    );
    record_keys(&keys, std::time::SystemTime::now());

    let ring = KeyRing::builder().observer(audit.observer());
    let ring = ring.start(MemoryStore::default()).await.unwrap();
    let request = IssueRequest::new("batch".parse().unwrap()).or_new_client("".parse().unwrap());
    let new = ring.issue(request).await.unwrap().into_new().unwrap();
    ring.rotate(RotateRequest::with_grace(new.id(), secs(60)))
        .await
        .unwrap();
    ring.revoke(new.id()).await.unwrap();

    let world = World::new(SENTINEL);
    let builder = RotatingCredential::builder()
        .name("openai")
        .observer(audit.observer());
    let key = world.key_by(builder, millis(20)).await;
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    world.accept("another");
    let answer: Response<_> = inject
        .layer(world.upstream())
        .oneshot(post("body"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    world.rotate(&format!("{SENTINEL}-3"));
    pass(secs(60)).await;
    let request: Request<String> = post("body");
    assert_eq!(
        inject
            .layer(world.upstream())
            .oneshot(request)
            .await
            .unwrap()
            .status(),
        200
    );
    world.break_store();
    assert!(key.refresh().await.is_err());
    let token = Secret::from(new.token().expose_secret());
    let issued = std::str::from_utf8(token.expose_secret()).unwrap()[17..30].to_owned();
    drop((layer, keys, publisher, ring, key, inject, audit));
    pass(secs(1)).await;

    let lines = lines.all().join("\n");
    for event in [
        "used",
        "refused",
        "key_rotated",
        "key_revoked",
        "rejected",
        "replayed",
    ] {
        assert!(
            lines.contains(&format!("\"event\":\"{event}\"")),
            "{event}: {lines}"
        );
    }
    let metrics = format!("{:?}", metrics.snapshot().into_vec());
    assert!(
        metrics.contains("rotating_auth_refusals_total"),
        "{metrics}"
    );
    for (what, text) in [
        ("line", lines),
        ("metric", metrics),
        ("trace", traced.text()),
    ] {
        let digest = digest.to_text();
        for secret in [
            "8Zk1tQ0mVd7",
            &issued,
            &digest[7..23],
            &digest[digest.len() - 16..],
        ] {
            assert!(!text.contains(secret), "{what} has {secret}: {text}");
        }
    }
}

#[test]
fn debug_output_names_no_content() {
    let folder = tempfile::tempdir().unwrap();
    let file = AuditFile::open(folder.path().join("audit.jsonl")).unwrap();
    assert!(format!("{file:?}").starts_with("AuditFile"));
    assert_eq!(
        format!("{:?}", AuditLog::new(file.subscriber())),
        "AuditLog { .. }"
    );
}
