//! Keys over a channel that is not encrypted.

use std::sync::{Arc, Mutex};

use http::Method;
use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::policy::RoutePolicy;
use tower_rotating_auth::inbound::{
    EventKind, RequestScheme, RequireKeyLayer, SecureOnly, TrustedProxies,
};
use tower_rotating_auth::keyring::{IssueRequest, KeyRing, KeyRingState, MemoryStore};

use super::{HERE, Note, from, routes, send, serve, status};
use crate::inbound::keys::{self, EXPIRED, UNKNOWN, VALID};

const CLEAR: Note = |extensions| {
    extensions.insert(RequestScheme::Http);
};
const SECURE: Note = |extensions| {
    extensions.insert(RequestScheme::Https);
};
const NOT_KNOWN: Note = |_| {};

#[tokio::test]
async fn credential_over_clear_text_is_refused() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let disclosed = Arc::new(Mutex::new(vec![]));
    let reported = Arc::clone(&disclosed);
    let rule = SecureOnly::new().on_disclosed(move |key| {
        reported.lock().unwrap().push(key.key_id().to_string());
    });
    let (sender, events) = std::sync::mpsc::channel();
    let policy = RoutePolicy::new().public(Method::GET, "/public").unwrap();
    let require = RequireKeyLayer::new(keys)
        .policy(policy)
        .secure_only(rule)
        .observer(move |event| drop(sender.send(event.kind.clone())));
    let router = || routes().layer(require.clone());
    let clear = serve(router(), CLEAR).await;
    let answer = |path: &str, key: &str| {
        let request = from(HERE).get(format!("{clear}{path}"));
        send(if key.is_empty() {
            request
        } else {
            request.bearer_auth(key)
        })
    };
    let refused = answer("/", VALID).await;
    assert_eq!((refused.status, &*refused.challenge), (403, ""));
    for (path, key) in [
        ("/", UNKNOWN),
        ("/", EXPIRED),
        ("/", "a b"),
        ("/public", VALID),
    ] {
        assert_eq!(answer(path, key).await, refused, "{path} {key}");
    }
    let basic = from(HERE).get(&clear).basic_auth("somebody", Some("else"));
    assert_eq!(send(basic).await, refused);
    // Without a credential, nothing is disclosed.
    assert_eq!(answer("/", "").await.status, 401);
    assert_eq!(answer("/public", "").await.status, 200);

    let secure = serve(router(), SECURE).await;
    assert_eq!(status(&secure, VALID).await, 200);
    assert_eq!(status(&secure, UNKNOWN).await, 401);
    let not_known = serve(router(), NOT_KNOWN).await;
    assert_eq!(status(&not_known, VALID).await, 403);

    assert_eq!(*disclosed.lock().unwrap(), ["valid", "valid"]);
    let reported = |event: EventKind| match event {
        EventKind::Refused {
            reason: "disclosed",
            key_id,
            ..
        } => key_id,
        _ => None,
    };
    let named = events.iter().filter_map(reported).next().unwrap();
    assert_eq!(named.as_str(), "valid");
}

#[tokio::test]
async fn insecure_channel_event_names_the_known_key() {
    for (note, token, expected) in [
        (CLEAR, EXPIRED, Some("expired")),
        (NOT_KNOWN, VALID, Some("valid")),
        (CLEAR, UNKNOWN, None),
    ] {
        let (keys, _publisher) = Rotating::manual(keys::keys());
        let (sender, events) = std::sync::mpsc::channel();
        let require = RequireKeyLayer::new(keys)
            .secure_only(SecureOnly::new())
            .observer(move |event| drop(sender.send(event.kind.clone())));
        let url = serve(routes().layer(require.clone()), note).await;
        assert_eq!(status(&url, token).await, 403);
        let EventKind::Refused { reason, key_id, .. } = events.recv().unwrap() else {
            panic!("refused")
        };
        let key_id = key_id.map(|id| id.to_string());
        assert_eq!((reason, key_id.as_deref()), ("insecure_channel", expected));
    }
}

#[tokio::test]
async fn proxy_says_which_scheme_its_client_used() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let require = RequireKeyLayer::new(keys)
        .secure_only(SecureOnly::new())
        .trusted_proxies(TrustedProxies::new("127.0.0.1".parse().unwrap()));
    let url = serve(routes().layer(require), CLEAR).await;
    let ask = async |address, scheme| {
        let request = from(address).get(&url).bearer_auth(VALID);
        send(request.header("x-forwarded-proto", scheme))
            .await
            .status
    };
    assert_eq!(ask(HERE, "https").await, 200);
    assert_eq!(ask(HERE, "http").await, 403);
    assert_eq!(ask(super::THERE, "https").await, 403);
}

#[tokio::test]
async fn disclosed_key_is_revoked_and_no_guessed_one() {
    let ring = KeyRing::start(MemoryStore::new(KeyRingState::empty()))
        .await
        .unwrap();
    let request = || {
        let client = "batch".parse().unwrap();
        IssueRequest::new(client).or_new_client("chat".parse().unwrap())
    };
    let mut keys = vec![];
    for _ in 0..2 {
        let key = ring.issue(request()).await.unwrap().into_new().unwrap();
        let token = String::from_utf8(key.token().expose_secret().to_vec()).unwrap();
        keys.push((key.id().clone(), token));
    }
    let rule = SecureOnly::new().on_disclosed(ring.revoke_disclosed());
    let require = RequireKeyLayer::new(ring.keys()).secure_only(rule);
    let clear = serve(routes().layer(require.clone()), CLEAR).await;
    let secure = serve(routes().layer(require), SECURE).await;
    let [(disclosed, token), (guessed, other)] = &keys[..] else {
        panic!("two keys")
    };

    let mut changes = ring.keys().subscribe();
    // The id of a key is public, and its checksum can be computed. The secret cannot.
    let guess = format!(
        "{}{}",
        &other[..other.len() - 20],
        &token[token.len() - 20..]
    );
    assert_eq!(status(&clear, &guess).await, 403);
    assert_eq!(status(&clear, token).await, 403);
    changes.changed().await.unwrap();
    assert_eq!(status(&secure, token).await, 401);
    assert_eq!(status(&secure, other).await, 200);
    let state = ring.state();
    assert!(state.key(disclosed).unwrap().revoked_at().is_some());
    assert!(state.key(guessed).unwrap().revoked_at().is_none());
}
