//! Requests that end while they are sent again.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response};
use metrics_util::debugging::DebuggingRecorder;
use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::outbound::{InjectKeyLayer, RotatingCredential};

use crate::audit::audit;
use crate::audit::metrics::Recorded;
use crate::outbound::{ORIGIN, World, post};
use crate::support::{millis, minutes, pass};

/// The upstream's answer to the second attempt.
#[derive(Clone, Copy)]
enum Second {
    Fails,
    Hangs,
}

/// Sends a request whose key is replaced, and returns its audit line and its count.
async fn second_attempt(second: Second, outcome: &str) -> (serde_json::Value, f64) {
    let recorder = DebuggingRecorder::new();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let (audit, lines) = audit();
    let world = World::new("first");
    let builder = RotatingCredential::builder()
        .name("openai")
        .observer(audit.observer());
    let key = world.key_by(builder, millis(20)).await;
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    world.rotate("second");
    let sends = Arc::new(AtomicUsize::new(0));
    let upstream = world.upstream();
    let client = inject.layer(service_fn(move |request: Request<String>| {
        let is_first = sends.fetch_add(1, Ordering::Relaxed) == 0;
        let first = upstream.clone().oneshot(request);
        async move {
            match (is_first, second) {
                (true, _) => Ok::<Response<String>, &str>(first.await.unwrap()),
                (false, Second::Fails) => Err("reset by peer"),
                (false, Second::Hangs) => pending().await,
            }
        }
    }));
    let call = tokio::spawn(client.oneshot(post("body")));
    pass(minutes(1)).await;
    call.abort();
    drop(call.await);
    drop((key, inject, audit));
    pass(millis(1_000)).await;
    let lines = lines.json();
    let line = lines.iter().find(|line| line["event"] == "not_answered");
    let counted = Recorded::of(&recorder.snapshotter());
    let count = |outcome| {
        counted.get(&format!(
            "rotating_auth_replays_total name=openai outcome={outcome}"
        ))
    };
    assert_eq!(count("recovered"), 0.0);
    assert!(lines.iter().all(|line| line["event"] != "replayed"));
    (line.unwrap().clone(), count(outcome))
}

#[tokio::test(start_paused = true)]
async fn failed_and_cancelled_replays_are_audited() {
    for (second, outcome) in [(Second::Fails, "failed"), (Second::Hangs, "cancelled")] {
        let (line, count) = second_attempt(second, outcome).await;
        assert_eq!(line["reason"], outcome);
        assert_eq!(line["request_id"], "7");
        let attempts = json!([
            {"generation": 1, "result": "rejected"},
            {"generation": 2, "result": "not_answered"},
        ]);
        assert_eq!(line["attempts"], attempts);
        assert_eq!(count, 1.0);
    }
}
