//! One layer inside of another, and principals that an application has kept.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderName, Method, Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::inbound::policy::RoutePolicy;
use tower_rotating_auth::inbound::{
    DangerouslyOpen, KeyLocation, KeyLocations, Principal, RequestBody, RequireKeyLayer,
};
use tower_rotating_auth::keyring::NewKey;
use tower_rotating_auth::{Rotating, Secret, inbound::IntoKeySet};

use super::keys::{self, ADMIN, VALID, record, set};
use super::layer::{Answer, Echo, ask, get, with};
use super::subprotocol;
use crate::support::{Answer as Fetched, millis, minutes, pass, script};

fn locations(only: KeyLocation) -> KeyLocations {
    KeyLocations::new([only]).unwrap()
}

fn x_api_key() -> KeyLocation {
    KeyLocation::Header(HeaderName::from_static("x-api-key"))
}

fn caller(answer: &Answer) -> &str {
    assert_eq!(answer.status(), 200, "{answer:?}");
    answer.body().lines().next().unwrap()
}

/// Returns a request with a key in every location.
fn everywhere(token: &str) -> Request<String> {
    let mut request = with(&format!("/?a=b&key={token}"), token);
    let headers = request.headers_mut();
    for name in ["x-api-key", "api-key"] {
        headers.insert(name, token.parse().unwrap());
    }
    let protocols = format!("chat, {}", subprotocol(token));
    headers.insert("sec-websocket-protocol", protocols.parse().unwrap());
    request
}

#[tokio::test]
async fn inner_layer_sees_key_that_outer_public_route_removed() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let public = RoutePolicy::new().public(Method::GET, "/").unwrap();
    let loopback = "127.0.0.1:1".parse().unwrap();
    let open = RequireKeyLayer::dangerously_open(DangerouslyOpen::on_loopback(loopback).unwrap());
    let outers = [RequireKeyLayer::new(keys.clone()).policy(public), open];
    for outer in outers {
        let service = outer.locations(keys::locations()).layer(
            RequireKeyLayer::new(keys.clone())
                .locations(keys::locations())
                .layer(Echo),
        );
        for location in keys::locations().as_slice() {
            let mut request = everywhere(VALID);
            let (mut uri, headers) = (request.uri().clone(), request.headers_mut());
            // Leaves the key in this location alone.
            let others = keys::locations();
            let others = others.as_slice().iter().filter(|other| *other != location);
            let others = KeyLocations::new(others.cloned()).unwrap();
            others.strip(headers, &mut uri);
            *request.uri_mut() = uri;
            let answer = ask(&service, request).await;
            assert_eq!(answer.status(), 200, "{location:?}");
            assert_eq!(caller(&answer), "valid by valid");
            assert!(!answer.body().contains("8Zk1"), "{answer:?}");
        }
        // Duplicates and conflicts are what they were.
        let mut twice = with("/", VALID);
        let other = format!("Bearer {ADMIN}").parse().unwrap();
        twice.headers_mut().append("authorization", other);
        assert_eq!(ask(&service, twice).await.status(), 400);
        assert_eq!(ask(&service, get("/")).await.status(), 401);
        assert_eq!(ask(&service, with("/", keys::EXPIRED)).await.status(), 401);
    }
}

#[tokio::test]
async fn hidden_key_is_not_shown() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let host = service_fn(|request: Request<_>| async move {
        let shown = format!("{:?}", request.extensions());
        assert!(!shown.contains("8Zk1"), "{shown}");
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let service = RequireKeyLayer::new(keys).layer(host);
    assert_eq!(ask(&service, with("/", VALID)).await.status(), 200);
}

#[tokio::test]
async fn inner_layer_judges_key_by_its_own_rules() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let outer = || RequireKeyLayer::new(keys.clone());
    // A location that the inner layer does not have.
    let inner = RequireKeyLayer::new(keys.clone()).locations(locations(x_api_key()));
    let service = outer().layer(inner.layer(Echo));
    assert_eq!(ask(&service, with("/", VALID)).await.status(), 401);
    let mut there = get("/");
    there
        .headers_mut()
        .insert("x-api-key", VALID.parse().unwrap());
    assert_eq!(caller(&ask(&service, there).await), "valid by valid");
    // A format that the key does not have: this one was made elsewhere.
    let (issued, imported) = (keys::MISTYPED, VALID);
    let keys_of_both = set([
        (issued, record("issued", "")),
        (imported, record("imported", "")),
    ]);
    let (both, _publisher) = Rotating::manual(keys_of_both);
    let inner = RequireKeyLayer::new(both.clone()).check_format(NewKey::is_plausible);
    let service = RequireKeyLayer::new(both).layer(inner.layer(Echo));
    assert_eq!(
        caller(&ask(&service, with("/", imported)).await),
        "imported by imported"
    );
    assert_eq!(ask(&service, with("/", issued)).await.status(), 401);
}

#[tokio::test]
async fn cloned_request_keeps_its_key_for_inner_layer() {
    let (outer, _publisher) = Rotating::manual(keys::keys());
    let (inner, _publisher) = Rotating::manual(set([(VALID, record("other", ""))]));
    let inner = RequireKeyLayer::new(inner).layer(Echo);
    let cloning = service_fn(move |request: Request<RequestBody<String>>| {
        inner.clone().oneshot(request.clone())
    });
    let service = RequireKeyLayer::new(outer).layer(cloning);
    assert_eq!(
        caller(&ask(&service, with("/", VALID)).await),
        "other by other"
    );
}

#[tokio::test]
async fn innermost_layer_sees_what_each_layer_removed() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let (others, _publisher) = Rotating::manual(set([(VALID, record("other", ""))]));
    let public = RoutePolicy::new().public(Method::GET, "/").unwrap();
    let require = |keys: &Rotating<_>, location| {
        RequireKeyLayer::new(keys.clone()).locations(locations(location))
    };
    let open = require(&keys, x_api_key()).policy(public);
    let closed = require(&keys, KeyLocation::Bearer);
    let mut request = with("/", VALID);
    let headers = request.headers_mut();
    headers.insert("x-api-key", ADMIN.parse().unwrap());
    // The layer whose route is public is outside of the one that requires a key, and inside.
    for (location, status) in [(KeyLocation::Bearer, 200), (x_api_key(), 401)] {
        let innermost = require(&others, location).layer(Echo);
        let service = closed.layer(open.layer(innermost.clone()));
        assert_eq!(ask(&service, request.clone()).await.status(), status);
        let service = open.layer(closed.layer(innermost));
        assert_eq!(ask(&service, request.clone()).await.status(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn inner_layer_has_its_own_max_stale() {
    let plain = format!("{VALID} {ADMIN}");
    let (source, _log) = script(move |asked| match asked.number {
        1 => Fetched::value(Secret::from(plain.clone())),
        _ => Fetched::down(),
    });
    let builder = Rotating::builder().poll(millis(1_000));
    let keys = builder.start(source.key_set()).await.unwrap();
    let inner = RequireKeyLayer::new(keys.clone()).max_stale(minutes(5));
    let service = RequireKeyLayer::new(keys.clone()).layer(inner.layer(Echo));
    assert_eq!(ask(&service, with("/", VALID)).await.status(), 200);
    pass(minutes(10)).await;
    assert_eq!(ask(&service, with("/", VALID)).await.status(), 503);
    let alone = RequireKeyLayer::new(keys).layer(Echo);
    assert_eq!(ask(&alone, with("/", VALID)).await.status(), 200);
}

/// Returns the principal of a request with the key in this layer.
async fn kept(layer: &RequireKeyLayer, request: Request<String>) -> Principal {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let host = service_fn(move |request: Request<_>| {
        *keep.lock().unwrap() = request.extensions().get().cloned();
        async { Ok::<_, Infallible>(Response::new(String::new())) }
    });
    ask(&layer.layer(host), request).await;
    let kept = kept.lock().unwrap().take();
    kept.unwrap()
}

fn later(principal: &Principal) -> Request<String> {
    let mut request = get("/");
    request.extensions_mut().insert(principal.clone());
    request
}

#[tokio::test]
async fn kept_principal_is_not_let_in_after_its_key_ended() {
    let (keys, mut publisher) = Rotating::manual(keys::keys());
    let layer = RequireKeyLayer::new(keys.clone());
    let principal = kept(&layer, with("/", VALID)).await;
    let service = layer.layer(Echo);
    assert_eq!(
        caller(&ask(&service, later(&principal)).await),
        "valid by valid"
    );
    publisher.publish(set([
        (VALID, record("valid", "").into_revoked()),
        (ADMIN, record("admin", "")),
    ]));
    assert_eq!(ask(&service, later(&principal)).await.status(), 401);
    assert_eq!(ask(&service, later(&principal)).await.status(), 401);
}

#[tokio::test]
async fn kept_principal_is_judged_by_the_rules_of_the_layer() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let layer = RequireKeyLayer::new(keys.clone());
    let principal = kept(&layer, with("/", VALID)).await;
    let elsewhere = layer.clone().locations(locations(x_api_key())).layer(Echo);
    assert_eq!(ask(&elsewhere, later(&principal)).await.status(), 401);
    // Another layer cannot check the format of a token that it does not see.
    let checked = layer.clone().check_format(|_| true).layer(Echo);
    assert_eq!(ask(&checked, later(&principal)).await.status(), 401);
}

#[tokio::test]
async fn principal_says_where_its_key_stood() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let layer = RequireKeyLayer::new(keys).locations(keys::locations());
    let header = |name: &'static str, value: String| {
        let mut request = get("/");
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let cases = [
        with("/", VALID),
        header("x-api-key", VALID.into()),
        header("api-key", VALID.into()),
        get(&format!("/?key={VALID}")),
        header(
            "sec-websocket-protocol",
            format!("chat, {}", subprotocol(VALID)),
        ),
    ];
    for (request, location) in cases.into_iter().zip(keys::locations().as_slice()) {
        let principal = kept(&layer, request).await;
        assert_eq!(principal.key().unwrap().location(), location);
        let again = kept(&layer, later(&principal)).await;
        assert_eq!(again.key().unwrap().location(), location);
    }
}
