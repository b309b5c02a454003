//! Uses of a key and refusals of it, by request.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Method, Request};
use metrics_util::debugging::DebuggingRecorder;
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::{
    Rotating, Secret,
    inbound::{
        Auth, CertificateDigest, ClientCertificate, KeyDigest, KeyRecord, KeySet, Require,
        RequireKeyLayer, Scoped, Validator, Validity, policy::RoutePolicy,
    },
};

use super::metrics::Recorded;
use super::{audit, status, with};

const BOUND: &str = "bound-8Zk1tQ0mVd7RyXw3LpHs5N";
const REVOKED: &str = "revoked-8Zk1tQ0mVd7RyXw3LpHs5N";
const UNKNOWN: &str = "unknown-8Zk1tQ0mVd7RyXw3LpHs5N";
const OURS: &[u8] = b"our certificate";

fn record(id: &str) -> KeyRecord {
    KeyRecord::new(
        id.parse().unwrap(),
        "web".parse().unwrap(),
        "".parse().unwrap(),
    )
}

fn keys() -> Rotating<KeySet> {
    let bound = record("bound").with_certificate(CertificateDigest::of_der(OURS));
    let keys = KeySet::new([
        (KeyDigest::of(BOUND.as_bytes()), bound),
        (
            KeyDigest::of(REVOKED.as_bytes()),
            record("revoked").into_revoked(),
        ),
    ]);
    let (keys, publisher) = Rotating::builder().name("k").manual(keys.unwrap());
    // The set stays current without it.
    drop(publisher);
    keys
}

fn policy() -> RoutePolicy {
    RoutePolicy::new()
        .optional_lenient(Method::GET, "/lenient")
        .and_then(|policy| policy.optional(Method::GET, "/auth"))
        .and_then(|policy| policy.optional(Method::GET, "/scoped"))
        .and_then(|policy| policy.deny(Method::GET, "/closed"))
        .and_then(|policy| policy.required(Method::GET, "/admin", "admin".parse().unwrap()))
        .unwrap()
}

fn shown(uri: &str, id: &str, certificate: &[u8]) -> Request<String> {
    let mut request = with(uri, BOUND, id);
    let certificate = ClientCertificate::from_der(certificate);
    request.extensions_mut().insert(certificate);
    request
}

fn words<'l>(lines: &'l [Value], fields: &[&str]) -> Vec<Vec<&'l str>> {
    let words = |line: &'l Value| {
        fields
            .iter()
            .map(|field| line[*field].as_str().unwrap_or("-"))
            .collect()
    };
    lines.iter().map(words).collect()
}

#[tokio::test]
async fn use_is_noted_for_an_admitted_request_alone() {
    let (audit, lines) = audit();
    let keys = keys();
    let layer = RequireKeyLayer::new(keys.clone())
        .policy(policy())
        .observer(audit.observer());
    let last_used = || {
        let keys = keys.current();
        let mut uses = keys.records().filter_map(KeyRecord::last_used);
        uses.next()
    };
    assert_eq!(status(&layer, shown("/", "thief", b"another")).await, 401);
    assert_eq!(status(&layer, shown("/closed", "closed", OURS)).await, 403);
    assert_eq!(status(&layer, shown("/admin", "no scope", OURS)).await, 403);
    assert_eq!(last_used(), None);
    assert_eq!(status(&layer, shown("/", "owner", OURS)).await, 200);
    assert!(last_used().is_some());
    drop((layer, audit));
    assert_eq!(
        words(&lines.json(), &["event", "request_id"]),
        [
            ["refused", "thief"],
            ["refused", "closed"],
            ["refused", "no scope"],
            ["used", "owner"]
        ]
    );
}

#[tokio::test]
async fn each_refusal_is_counted_and_audited() {
    struct Chat;
    impl Require for Chat {
        const SCOPES: &'static str = "chat:write";
    }
    let recorder = DebuggingRecorder::new();
    let _here = ::metrics::set_default_local_recorder(&recorder);
    let (audit, lines) = audit();
    let layer = RequireKeyLayer::new(keys())
        .policy(policy())
        .observer(audit.observer());
    let router = Router::new()
        .route("/lenient", get(async || "served"))
        .route("/auth", get(async |_: Auth| "served"))
        .route("/scoped", get(async |_: Scoped<Chat>| "served"))
        .layer(layer);
    for (path, token, expected) in [
        ("/lenient", Some(REVOKED), 200),
        ("/lenient", Some(UNKNOWN), 200),
        ("/lenient", None, 200),
        ("/auth", None, 401),
        ("/scoped", None, 401),
    ] {
        let request = match token {
            Some(token) => with(path, token, "1").map(Body::from),
            None => Request::get(path).body(Body::empty()).unwrap(),
        };
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), expected, "{path}");
    }
    drop((router, audit));

    let fields = ["event", "reason", "key_id", "route"];
    assert_eq!(
        words(&lines.json(), &fields),
        [
            ["refused", "revoked", "revoked", "/lenient"],
            ["refused", "missing", "-", "/auth"],
            ["refused", "missing", "-", "/scoped"],
        ]
    );
    let recorded = Recorded::of(&recorder.snapshotter());
    let refusals = |reason| {
        recorded.get(&format!(
            "rotating_auth_refusals_total name=k reason={reason}"
        ))
    };
    assert_eq!((refusals("revoked"), refusals("missing")), (1.0, 2.0));
    assert_eq!(refusals("unknown"), 0.0);
}

/// Accepts a token that has the name of a client, as a new record each time.
struct ByName;

impl Validator for ByName {
    async fn validate(&self, token: &Secret) -> Validity {
        let client = std::str::from_utf8(token.expose_secret()).unwrap();
        match client {
            "nobody" => Validity::Invalid,
            _ => Validity::Valid(KeyRecord::new(
                format!("token-of-{client}").parse().unwrap(),
                client.parse().unwrap(),
                "chat".parse().unwrap(),
            )),
        }
    }
}

#[tokio::test]
async fn validated_token_is_used_once_a_minute() {
    let (audit, lines) = audit();
    let policy = policy().required(Method::GET, "/write", "write".parse().unwrap());
    let layer = RequireKeyLayer::new(keys())
        .policy(policy.unwrap())
        .observer(audit.observer());
    let layer = layer.validator(ByName);
    let service = layer.layer(service_fn(async |_| {
        Ok::<_, std::convert::Infallible>(http::Response::<String>::default())
    }));
    for (path, token, expected) in [
        ("/write", "alice", 403),
        ("/", "alice", 200),
        ("/", "alice", 200),
        ("/", "bob", 200),
        ("/", "nobody", 401),
    ] {
        let response = service.clone().oneshot(with(path, token, "1"));
        assert_eq!(response.await.unwrap().status(), expected, "{path} {token}");
    }
    drop((service, layer, audit));

    assert_eq!(
        words(&lines.json(), &["event", "client", "key_id", "route"]),
        [
            ["refused", "alice", "token-of-alice", "/write"],
            ["used", "alice", "token-of-alice", "/"],
            ["used", "bob", "token-of-bob", "/"],
            ["refused", "-", "-", "/"],
        ]
    );
}
