//! Tests of the layer around a plain Tower service.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_rotating_auth::{
    Rotating,
    inbound::policy::RoutePolicy,
    inbound::{
        AuthError, ConfigErrorKind, DangerouslyOpen, KeyLocations, Principal, RequireKeyLayer,
    },
};

use super::keys::{self, ADMIN, Case, Expected, VALID, cases, record, require_key, seen, set};
use super::subprotocol;

pub(super) type Answer = Response<String>;

/// A service that responds with a description of the request.
#[derive(Clone)]
pub(super) struct Echo;

impl<B> Service<Request<B>> for Echo {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(Response::new(seen(&request).into())))
    }
}

pub(super) async fn ask<S, B>(service: &S, request: Request<String>) -> Answer
where
    S: Service<Request<String>, Response = Response<B>, Error: std::fmt::Debug> + Clone,
    B: http_body::Body<Error: std::fmt::Debug>,
{
    let response = service.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(body.to_vec()).unwrap())
}

pub(super) fn get(uri: &str) -> Request<String> {
    Request::get(uri).body(String::new()).unwrap()
}

pub(super) fn with(uri: &str, token: &str) -> Request<String> {
    let mut request = get(uri);
    let credentials = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert("authorization", credentials);
    request
}

fn reason(answer: &Answer) -> Option<&'static str> {
    answer.extensions().get().map(AuthError::reason)
}

fn caller(answer: &Answer) -> &str {
    assert_eq!(answer.status(), StatusCode::OK, "{answer:?}");
    answer.body().lines().next().unwrap()
}

/// Asserts the outcome of a case, except for the reason, which does not go over a wire.
pub(super) fn check(case: &Case, answer: &Answer) {
    let row = case.row;
    match case.expected {
        Expected::Served(who) => {
            assert_eq!(answer.status(), 200, "{row}: {answer:?}");
            assert!(answer.body().starts_with(&format!("{who}\n")), "{row}");
        }
        Expected::Refused {
            status, challenge, ..
        } => {
            assert_eq!(answer.status(), status, "{row}: {answer:?}");
            let challenges = answer.headers().get_all("www-authenticate").iter();
            let challenges: Vec<_> = challenges.map(|line| line.to_str().unwrap()).collect();
            assert_eq!(challenges, Vec::from_iter(challenge), "{row}");
            assert_eq!(answer.headers()["cache-control"], "no-store", "{row}");
            assert_eq!(
                answer.headers()["content-type"],
                "application/json",
                "{row}"
            );
            assert!(!answer.body().is_empty(), "{row}");
        }
    }
    for token in ["8Zk1tQ0mVd7RyXw3LpHs5N", "sec-websocket-protocol: base64"] {
        assert!(!answer.body().contains(token), "{row}: {answer:?}");
    }
}

#[tokio::test]
async fn plain_service_answers_all_cases() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let service = require_key(keys).layer(Echo);
    for case in cases() {
        let answer = ask(&service, case.request()).await;
        check(&case, &answer);
        let expected = match case.expected {
            Expected::Served(_) => None,
            Expected::Refused { reason, .. } => Some(reason),
        };
        assert_eq!(reason(&answer), expected, "{}", case.row);
    }
}

#[tokio::test]
async fn invalid_tokens_get_equal_responses() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let service = require_key(keys).layer(Echo);
    let mut answers = Vec::new();
    for case in cases() {
        if matches!(
            case.expected,
            Expected::Refused {
                challenge: Some(keys::INVALID_TOKEN),
                ..
            }
        ) {
            let answer = ask(&service, case.request()).await;
            let headers = Vec::from_iter(answer.headers().clone());
            answers.push((answer.status(), headers, answer.into_body()));
        }
    }
    assert!(answers.len() > 10);
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}

#[tokio::test]
async fn keys_are_removed_on_every_route_and_in_open_mode() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let guarded = require_key(keys).pass_preflights().layer(Echo);
    let loopback = DangerouslyOpen::on_loopback("127.0.0.1:8080".parse().unwrap()).unwrap();
    let open = RequireKeyLayer::dangerously_open(loopback)
        .locations(keys::locations())
        .strip_headers([HeaderName::from_static("x-auth-client")])
        .layer(Echo);
    let request = |path: &str| {
        Request::get(format!("{path}?a=b&key={VALID}"))
            .header("authorization", format!("Bearer {VALID}"))
            .header("x-api-key", VALID)
            .header("api-key", VALID)
            .header("x-auth-client", "root")
            .header("X-Auth_Client", "root")
            .header(
                "sec-websocket-protocol",
                format!("chat, {}", subprotocol(VALID)),
            )
            .header("accept", "text/plain")
            .body(String::new())
            .unwrap()
    };
    let left = |who: &str, path: &str| {
        format!("{who}\n{path}?a=b\nsec-websocket-protocol: chat\naccept: text/plain\n")
    };
    let lines = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[2..].sort_unstable();
        lines
    };
    for (path, who) in [
        ("/", "valid by valid"),
        ("/optional", "valid by valid"),
        ("/lenient", "valid by valid"),
        ("/public", "None"),
    ] {
        let answer = ask(&guarded, request(path)).await;
        assert_eq!(lines(answer.body()), lines(&left(who, path)), "{path}");
        let answer = ask(&open, request(path)).await;
        assert_eq!(lines(answer.body()), lines(&left("open", path)), "{path}");
    }
    let mut preflight = request("/");
    *preflight.method_mut() = Method::OPTIONS;
    for (name, value) in [
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "POST"),
    ] {
        preflight.headers_mut().insert(name, value.parse().unwrap());
    }
    for service in [&guarded, &open] {
        let answer = ask(service, preflight.clone()).await;
        assert_eq!(caller(&answer), "None");
        assert!(!answer.body().contains("8Zk1"), "{answer:?}");
        assert!(!answer.body().contains("root"), "{answer:?}");
    }
}

#[tokio::test]
async fn only_preflight_needs_no_key() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let service = require_key(keys).pass_preflights().layer(Echo);
    let options = |lines: &[(&'static str, &str)]| {
        let mut request = get("/admin");
        *request.method_mut() = Method::OPTIONS;
        for (name, value) in lines {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request
    };
    let origin = ("origin", "https://app.example.com");
    let asks = ("access-control-request-method", "POST");
    assert_eq!(
        caller(&ask(&service, options(&[origin, asks])).await),
        "None"
    );
    for lines in [&[][..], &[origin], &[asks]] {
        assert_eq!(
            ask(&service, options(lines)).await.status(),
            401,
            "{lines:?}"
        );
    }
    let mut post = options(&[origin, asks]);
    *post.method_mut() = Method::POST;
    assert_eq!(ask(&service, post).await.status(), 401);
}

#[tokio::test]
async fn deny_unlisted_closes_other_routes() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let policy = RoutePolicy::deny_unlisted()
        .required(Method::GET, "/open", "".parse().unwrap())
        .unwrap();
    let service = RequireKeyLayer::new(keys).policy(policy).layer(Echo);
    assert_eq!(ask(&service, with("/open", VALID)).await.status(), 200);
    for path in ["/other", "/open/", "/Open", "//open", "/open/../open"] {
        let answer = ask(&service, with(path, ADMIN)).await;
        assert_eq!(reason(&answer), Some("forbidden"), "{path}");
    }
}

#[tokio::test]
async fn foreign_principal_is_removed() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let (others, _other_publisher) = Rotating::manual(set([(VALID, record("spoofed", ""))]));
    // A principal that another layer made for its handler.
    let spoofed = {
        let keep = tower::service_fn(|request: Request<_>| async move {
            let principal: Principal = request.extensions().get().cloned().unwrap();
            let mut response = Response::new(String::new());
            response.extensions_mut().insert(principal);
            Ok::<_, Infallible>(response)
        });
        let response = RequireKeyLayer::new(others)
            .layer(keep)
            .oneshot(with("/", VALID))
            .await;
        let principal: Principal = response.unwrap().extensions().get().cloned().unwrap();
        assert!(principal.key().is_some());
        principal
    };
    let service = require_key(keys).layer(Echo);
    for (path, who) in [
        ("/public", "None"),
        ("/optional", "anonymous"),
        ("/lenient", "anonymous"),
    ] {
        let mut request = get(path);
        request.extensions_mut().insert(spoofed.clone());
        assert_eq!(caller(&ask(&service, request).await), who, "{path}");
    }
    let mut request = get("/");
    request.extensions_mut().insert(spoofed);
    assert_eq!(ask(&service, request).await.status(), 401);
}

#[tokio::test]
async fn principal_states_client_but_not_key() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let service =
        RequireKeyLayer::new(keys).layer(tower::service_fn(|request: Request<_>| async move {
            let principal: &Principal = request.extensions().get().unwrap();
            let key = principal.key().unwrap();
            assert_eq!(key.client().as_str(), "admin");
            assert_eq!(key.scopes().to_string(), "admin:all chat:write");
            assert_eq!(key.expires_at(), None);
            assert!(!format!("{principal:?}").contains("8Zk1"));
            Ok::<_, Infallible>(Response::new(String::new()))
        }));
    assert_eq!(ask(&service, with("/", ADMIN)).await.status(), 200);
}

#[tokio::test]
async fn inner_layer_of_same_keys_reuses_principal() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let admin = RoutePolicy::new()
        .required(Method::GET, "/", "admin:all".parse().unwrap())
        .unwrap();
    let service = ServiceBuilder::new()
        .layer(RequireKeyLayer::new(keys.clone()))
        .layer(RequireKeyLayer::new(keys).policy(admin))
        .service(Echo);
    assert_eq!(
        caller(&ask(&service, with("/", ADMIN)).await),
        "admin by admin"
    );
    assert_eq!(
        reason(&ask(&service, with("/", VALID)).await),
        Some("insufficient_scope")
    );
    assert_eq!(ask(&service, get("/")).await.status(), 401);
}

#[tokio::test]
async fn inner_layer_uses_current_key_set() {
    let admin = RoutePolicy::new()
        .required(Method::GET, "/", "admin:all".parse().unwrap())
        .unwrap();
    let promoted = record("valid", "admin:all");
    for (meanwhile, status) in [
        (promoted.clone(), 200),
        (record("valid", ""), 403),
        (promoted.into_revoked(), 401),
    ] {
        let (keys, mut publisher) = Rotating::manual(keys::keys());
        let inner = RequireKeyLayer::new(keys.clone())
            .policy(admin.clone())
            .layer(Echo);
        let between = tower::service_fn(move |request: Request<_>| {
            publisher.publish(set([(VALID, meanwhile.clone())]));
            inner.clone().oneshot(request)
        });
        let service = RequireKeyLayer::new(keys).layer(between);
        let response = service.oneshot(with("/", VALID)).await.unwrap();
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn inner_layer_of_other_keys_needs_its_own_key() {
    let (outer, _outer) = Rotating::manual(keys::keys());
    let (inner, _inner) = Rotating::manual(keys::keys());
    let header = KeyLocations::new([tower_rotating_auth::inbound::KeyLocation::Header(
        HeaderName::from_static("x-api-key"),
    )]);
    let bearer = KeyLocations::new([tower_rotating_auth::inbound::KeyLocation::Bearer]);
    let service = ServiceBuilder::new()
        .layer(RequireKeyLayer::new(outer).locations(bearer.unwrap()))
        .layer(RequireKeyLayer::new(inner).locations(header.unwrap()))
        .service(Echo);
    assert_eq!(
        reason(&ask(&service, with("/", VALID)).await),
        Some("missing")
    );
    let mut both = with("/", VALID);
    both.headers_mut()
        .insert("x-api-key", ADMIN.parse().unwrap());
    assert_eq!(caller(&ask(&service, both).await), "admin by admin");
}

#[test]
fn dangerously_open_needs_loopback_address() {
    for (listener, open) in [
        ("127.0.0.1:8080", true),
        ("127.1.2.3:8080", true),
        ("[::1]:8080", true),
        ("[::ffff:127.0.0.1]:8080", true),
        ("0.0.0.0:8080", false),
        ("[::]:8080", false),
        ("192.168.0.1:8080", false),
        ("[::ffff:192.168.0.1]:8080", false),
        ("[fe80::1]:8080", false),
    ] {
        let permission = DangerouslyOpen::on_loopback(listener.parse().unwrap());
        assert_eq!(permission.is_ok(), open, "{listener}");
    }
    let refused = DangerouslyOpen::on_loopback("0.0.0.0:80".parse().unwrap()).unwrap_err();
    assert_eq!(refused.kind(), ConfigErrorKind::NotLoopback);
    assert!(refused.to_string().contains("0.0.0.0:80"), "{refused}");
}

#[tokio::test]
async fn checksum_is_unchecked_by_default() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let service = RequireKeyLayer::new(keys).layer(Echo);
    let answer = ask(&service, with("/", keys::MISTYPED)).await;
    assert_eq!(reason(&answer), Some("unknown"));
}
