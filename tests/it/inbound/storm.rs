//! A flood of requests with unknown tokens.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, channel};

use tower::Layer;
use tower_rotating_auth::{
    Rotating, Secret,
    inbound::{AuthError, ClientId, Event, EventKind, KeyId},
    inbound::{IntoKeySet, RequireKey, RequireKeyLayer},
    rotating::Publisher,
};

use super::keys::{self, VALID};
use super::layer::{Echo, ask, with};
use crate::support::{Answer, Traced, millis, pass, script};

const FLOOD: u64 = 10_000;

/// The refusals that the observer receives, as (reason, how many).
struct Refusals(Receiver<Event>);

impl Refusals {
    /// Returns all of them. The observer ends with the last service.
    fn all(self) -> Vec<(&'static str, u64)> {
        let refused = self.0.into_iter().filter_map(|event| match event.kind {
            EventKind::Refused { reason, .. } => Some((reason, 1)),
            EventKind::RefusalsNotReported { reason, count } => Some((reason, count)),
            EventKind::Used { .. } => None,
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
    // No other refusal follows, and the rest of the count is reported all the same.
    pass(millis(1_000)).await;
    let reported = traced.text().matches("refused more clients").count();
    drop((service, other, publisher));

    let refusals = refusals.all();
    let (single, counts): (Vec<_>, Vec<_>) =
        refusals.iter().copied().partition(|(_, count)| *count == 1);
    assert_eq!(counts.len(), reported, "{refusals:?}");
    assert!(
        refusals.iter().all(|(reason, _)| *reason == "unknown"),
        "{refusals:?}"
    );
    // The first twenty, then one every 100 ms.
    assert!((20..=35).contains(&single.len()), "{refusals:?}");
    assert!((1..=3).contains(&counts.len()), "{refusals:?}");
    assert_eq!(refusals.iter().map(|(_, count)| count).sum::<u64>(), FLOOD);

    let text = traced.text();
    assert_eq!(
        text.matches("refused a client").count(),
        single.len(),
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

#[tokio::test(start_paused = true)]
async fn flood_does_not_hide_a_revoked_key() {
    let (service, publisher, refusals) = observed();
    for n in 0..1_000 {
        ask(&service, with("/", &unknown(n))).await;
        if n == 500 {
            ask(&service, with("/", keys::REVOKED)).await;
        }
    }
    drop((service, publisher));
    let of_revoked = refusals
        .all()
        .into_iter()
        .filter(|(reason, _)| *reason == "revoked");
    assert_eq!(of_revoked.collect::<Vec<_>>(), [("revoked", 1)]);
}

#[tokio::test(start_paused = true)]
async fn refusal_names_client_key_route_and_peer() {
    let (sender, events) = channel();
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let generation = keys.current().generation();
    let service = keys::require_key(keys)
        .observer(move |event: &Event| drop(sender.send(event.clone())))
        .peer_addr(|extensions| extensions.get().copied())
        .layer(Echo);
    let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    let cases = [
        (keys::REVOKED, "/a?b", "revoked", Some("revoked")),
        (keys::EXPIRED, "/a", "expired", Some("expired")),
        (keys::EARLY, "/a", "not_yet_valid", Some("early")),
        (VALID, "/admin", "insufficient_scope", Some("valid")),
        (VALID, "/never", "forbidden", Some("valid")),
        (keys::REVOKED, "/never", "forbidden", Some("revoked")),
        (keys::UNKNOWN, "/never", "forbidden", None),
        (keys::UNKNOWN, "/a", "unknown", None),
    ];
    for (token, uri, _, known) in cases {
        let mut request = with(uri, token);
        request.extensions_mut().insert(peer);
        let answer = ask(&service, request).await;
        let error: &AuthError = answer.extensions().get().unwrap();
        assert_eq!(error.client().map(ClientId::as_str), known);
        assert_eq!(error.key_id().map(KeyId::as_str), known);
    }
    drop(service);
    let kinds = events.into_iter().map(|event| event.kind);
    let seen: Vec<_> = kinds.filter(|kind| kind.as_str() == "refused").collect();
    let expected = cases.map(|(_, uri, reason, known)| EventKind::Refused {
        reason,
        client: known.map(|id| id.parse().unwrap()),
        key_id: known.map(|id| id.parse().unwrap()),
        method: http::Method::GET,
        route: uri.trim_end_matches("?b").into(),
        peer: Some(peer),
        client_ip: Some(peer.ip()),
        request_id: None,
        generation,
    });
    assert_eq!(seen, expected);
}
