//! A flood of requests with unknown tokens.

use std::sync::mpsc::{Receiver, channel};

use tower::Layer;
use tower_rotating_auth::{
    Rotating, Secret,
    inbound::{Event, EventKind},
    inbound::{IntoKeySet, RequireKey, RequireKeyLayer},
    rotating::Publisher,
};

use super::keys::{self, VALID};
use super::layer::{Echo, ask, with};
use crate::support::{Answer, Traced, millis, pass, script};

const FLOOD: u64 = 10_000;

/// The refusals that the observer receives, as (reason, suppressed).
struct Refusals(Receiver<Event>);

impl Refusals {
    /// Returns all of them. The observer ends with the last service.
    fn all(self) -> Vec<(&'static str, u64)> {
        let refused = self.0.into_iter().map(|event| match event.kind {
            EventKind::Refused { reason, suppressed } => (reason, suppressed),
            other => unreachable!("{other:?}"),
        });
        refused.collect()
    }
}

fn observed() -> (
    RequireKey<Echo>,
    Publisher<tower_rotating_auth::inbound::KeySet>,
    Refusals,
) {
    let (sender, refusals) = channel();
    let (keys, publisher) = Rotating::manual(keys::keys());
    let layer = RequireKeyLayer::new(keys);
    (
        layer
            .observer(move |event| drop(sender.send(event.clone())))
            .layer(Echo),
        publisher,
        Refusals(refusals),
    )
}

fn unknown(n: u64) -> String {
    format!("unknown-{n:010}-8Zk1tQ0mVd7RyXw3LpHs5N")
}

#[tokio::test(start_paused = true)]
async fn flood_is_counted_in_full_and_logged_in_part() {
    let traced = Traced::new();
    let (service, publisher, refusals) = observed();
    let other = service.clone();
    for n in 0..FLOOD {
        let service = if n % 2 == 0 { &service } else { &other };
        assert_eq!(ask(service, with("/", &unknown(n))).await.status(), 401);
        if n % 100 == 0 {
            assert_eq!(ask(service, with("/", VALID)).await.status(), 200);
        }
        if n % 1000 == 0 {
            pass(millis(100)).await;
        }
    }
    // The next event counts the refusals that had none.
    pass(millis(100)).await;
    assert_eq!(ask(&service, with("/", keys::EXPIRED)).await.status(), 401);
    drop((service, other, publisher));

    let refusals = refusals.all();
    let (last, _) = refusals.last().unwrap();
    assert_eq!(*last, "expired");
    // The first twenty, then one every 100 ms.
    assert!((20..=35).contains(&refusals.len()), "{refusals:?}");
    let suppressed: u64 = refusals.iter().map(|(_, suppressed)| suppressed).sum();
    assert_eq!(refusals.len() as u64 + suppressed, FLOOD + 1);

    let text = traced.text();
    assert_eq!(
        text.matches("refused a client").count(),
        refusals.len(),
        "{text}"
    );
    assert!(!text.contains("8Zk1tQ0mVd7RyXw3LpHs5N"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn flood_does_not_refresh_source() {
    let plain = format!("{VALID} {}", keys::ADMIN);
    let (source, log) = script(move |_| Answer::value(Secret::from(plain.clone())));
    let builder = Rotating::builder().poll(millis(3_600_000));
    let keys = builder.start(source.key_set()).await.unwrap();
    let service = RequireKeyLayer::new(keys.clone()).layer(Echo);
    assert_eq!(log.count(), 1);
    for n in 0..FLOOD {
        assert_eq!(ask(&service, with("/", &unknown(n))).await.status(), 401);
    }
    pass(millis(60_000)).await;
    assert_eq!(log.count(), 1);
    assert_eq!(keys.status().failures, 0);
    assert_eq!(ask(&service, with("/", VALID)).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn observer_gets_reason_of_each_refusal() {
    let (service, publisher, refusals) = observed();
    let reasons = [
        (VALID, None),
        (keys::UNKNOWN, Some("unknown")),
        (keys::EARLY, Some("not_yet_valid")),
        (keys::EXPIRED, Some("expired")),
        (keys::REVOKED, Some("revoked")),
        ("a,b", Some("malformed")),
        ("", Some("empty")),
    ];
    for (token, _) in reasons {
        ask(&service, with("/", token)).await;
    }
    drop((service, publisher));
    let refusals: Vec<_> = refusals
        .all()
        .into_iter()
        .map(|(reason, _)| reason)
        .collect();
    assert_eq!(
        refusals,
        Vec::from_iter(reasons.iter().filter_map(|(_, reason)| *reason))
    );
}
