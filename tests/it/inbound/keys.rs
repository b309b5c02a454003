//! Keys of every status, and the response that a request with one of them should get.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use http::{Method, Request};
use tower_rotating_auth::{
    Rotating,
    inbound::policy::RoutePolicy,
    inbound::{
        KeyDigest, KeyLocation, KeyLocations, KeyRecord, KeySet, Principal, RequireKeyLayer, Scopes,
    },
    keyring::NewKey,
};

use super::{basic, subprotocol};

pub(super) const VALID: &str = "valid-8Zk1tQ0mVd7RyXw3LpHs5N";
pub(super) const ADMIN: &str = "admin-8Zk1tQ0mVd7RyXw3LpHs5N";
pub(super) const EARLY: &str = "early-8Zk1tQ0mVd7RyXw3LpHs5N";
pub(super) const EXPIRED: &str = "expired-8Zk1tQ0mVd7RyXw3LpHs5N";
pub(super) const REVOKED: &str = "revoked-8Zk1tQ0mVd7RyXw3LpHs5N";
pub(super) const UNKNOWN: &str = "unknown-8Zk1tQ0mVd7RyXw3LpHs5N";
/// A key of the crate's own format with a wrong checksum.
pub(super) const MISTYPED: &str =
    "trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ0oSYWT";

pub(super) const BARE: &str = r#"Bearer realm="R""#;
pub(super) const INVALID_TOKEN: &str = r#"Bearer realm="R", error="invalid_token", error_description="The access token is invalid or expired""#;
const INVALID_REQUEST: &str = r#"Bearer realm="R", error="invalid_request""#;
const INSUFFICIENT_SCOPE: &str =
    r#"Bearer realm="R", error="insufficient_scope", scope="admin:all""#;

/// Returns the record of a key and a client of the same name.
pub(super) fn record(id: &str, scopes: &str) -> KeyRecord {
    let scopes: Scopes = scopes.parse().unwrap();
    KeyRecord::new(id.parse().unwrap(), id.parse().unwrap(), scopes)
}

pub(super) fn set(keys: impl IntoIterator<Item = (&'static str, KeyRecord)>) -> KeySet {
    let digested = |(token, record): (&str, _)| (KeyDigest::of(token.as_bytes()), record);
    KeySet::new(keys.into_iter().map(digested)).unwrap()
}

/// Returns a set with a key of each status.
pub(super) fn keys() -> KeySet {
    let now = SystemTime::now();
    let day = Duration::from_secs(24 * 3600);
    set([
        (VALID, record("valid", "chat:write")),
        (ADMIN, record("admin", "admin:all chat:write")),
        (EARLY, record("early", "").with_not_before(now + day)),
        (EXPIRED, record("expired", "").with_not_after(now - day)),
        (REVOKED, record("revoked", "").into_revoked()),
    ])
}

pub(super) fn locations() -> KeyLocations {
    let header = |name| KeyLocation::Header(http::HeaderName::from_static(name));
    KeyLocations::new([
        KeyLocation::Bearer,
        header("x-api-key"),
        header("api-key"),
        KeyLocation::Query("key".into()),
        KeyLocation::WebSocketProtocol,
    ])
    .unwrap()
}

/// Returns a policy with every kind of route, below `prefix`.
fn policies(method: &Method, prefix: &str) -> RoutePolicy {
    let admin = "admin:all".parse().unwrap();
    let at = |path: &str| format!("{prefix}{path}");
    let method = || method.clone();
    let policies = RoutePolicy::new()
        .public(method(), &at("/public"))
        .and_then(|policies| policies.optional(method(), &at("/optional")))
        .and_then(|policies| policies.optional_lenient(method(), &at("/lenient")))
        .and_then(|policies| policies.required(method(), &at("/admin"), admin))
        .and_then(|policies| policies.deny(method(), &at("/never")));
    policies.unwrap()
}

/// Returns the layer under test: every location but `Basic`, every kind of route.
pub(super) fn require_key(keys: Rotating<KeySet>) -> RequireKeyLayer {
    require_key_at(keys, &Method::GET, "")
}

pub(super) fn require_key_at(
    keys: Rotating<KeySet>,
    method: &Method,
    prefix: &str,
) -> RequireKeyLayer {
    RequireKeyLayer::new(keys)
        .realm("R")
        .unwrap()
        .locations(locations())
        .policy(policies(method, prefix))
        .strip_headers([http::HeaderName::from_static("x-auth-client")])
        .check_format(NewKey::is_plausible)
}

/// Describes what reached the inner service: the principal, the URI and the headers, one a line.
pub(super) fn seen<B>(request: &Request<B>) -> String {
    let principal = match request.extensions().get::<Principal>() {
        Some(Principal::Key(key)) => format!("{} by {}", key.client(), key.key_id()),
        Some(Principal::Anonymous(_)) => "anonymous".into(),
        Some(Principal::Open) => "open".into(),
        other => format!("{other:?}"),
    };
    let mut seen = format!("{principal}\n{}\n", request.uri());
    for (name, value) in request.headers() {
        writeln!(seen, "{name}: {}", value.as_bytes().escape_ascii()).unwrap();
    }
    seen
}

/// A request and its expected outcome.
pub(super) struct Case {
    pub(super) row: &'static str,
    pub(super) uri: String,
    pub(super) lines: Vec<(&'static str, Vec<u8>)>,
    pub(super) expected: Expected,
}

pub(super) enum Expected {
    /// The request reaches the inner service, with this principal.
    Served(&'static str),
    Refused {
        status: u16,
        challenge: Option<&'static str>,
        reason: &'static str,
    },
}

impl Case {
    fn new(row: &'static str, uri: &str, expected: Expected) -> Self {
        Self {
            row,
            uri: uri.to_owned(),
            lines: Vec::new(),
            expected,
        }
    }

    fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.lines.push((name, value.as_ref().to_vec()));
        self
    }

    fn bearer(self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    pub(super) fn request<B: Default>(&self) -> Request<B> {
        let mut request = Request::get(&self.uri);
        for (name, value) in &self.lines {
            request = request.header(*name, value.as_slice());
        }
        request.body(B::default()).unwrap()
    }
}

/// Returns a case for each refusal that a request alone can cause, and for requests that pass.
pub(super) fn cases() -> Vec<Case> {
    let served = |row, uri, who| Case::new(row, uri, Expected::Served(who));
    let refused = |row, uri, status, challenge, reason| {
        let expected = Expected::Refused {
            status,
            challenge,
            reason,
        };
        Case::new(row, uri, expected)
    };
    let absent = |row, reason| refused(row, "/", 401, Some(BARE), reason);
    let invalid = |row, reason| refused(row, "/", 401, Some(INVALID_TOKEN), reason);
    let twice = |row, uri, reason| refused(row, uri, 400, Some(INVALID_REQUEST), reason);
    let long = "k".repeat(513);
    vec![
        absent("R1", "missing"),
        absent("R2 Basic", "unsupported_scheme").with("authorization", basic("u", VALID)),
        absent("R2 Token", "unsupported_scheme").with("authorization", format!("Token {VALID}")),
        absent("R2 no scheme", "unsupported_scheme").with("authorization", VALID),
        absent("R3 nothing", "empty").with("authorization", ""),
        absent("R3 only the scheme", "empty").with("authorization", "Bearer"),
        absent("R3 an empty key header", "empty").with("x-api-key", ""),
        invalid("R4 a comma", "malformed").bearer("a,b"),
        invalid("R4 two tokens", "malformed").bearer("a b"),
        invalid("R4 not ASCII", "malformed").with("x-api-key", b"k\xff"),
        invalid("R4 padding inside", "malformed").bearer("a=b"),
        invalid("R5", "too_long").bearer(&long),
        invalid("R6", "bad_checksum").bearer(MISTYPED),
        invalid("R7", "unknown").bearer(UNKNOWN),
        invalid("R8", "not_yet_valid").bearer(EARLY),
        invalid("R9", "expired").bearer(EXPIRED),
        invalid("R10", "revoked").bearer(REVOKED),
        twice("R11", "/", "duplicate").bearer(VALID).bearer(VALID),
        twice("R11 a key header", "/", "duplicate")
            .with("x-api-key", VALID)
            .with("x-api-key", VALID),
        twice("R12", "/", "conflict")
            .bearer(VALID)
            .with("x-api-key", ADMIN),
        twice("R13", "/?key=a&key=a", "duplicate"),
        refused(
            "R14",
            "/admin",
            403,
            Some(INSUFFICIENT_SCOPE),
            "insufficient_scope",
        )
        .bearer(VALID),
        refused("R15", "/never", 403, None, "forbidden").bearer(VALID),
        refused(
            "optional, bad",
            "/optional",
            401,
            Some(INVALID_TOKEN),
            "expired",
        )
        .bearer(EXPIRED),
        served("a key", "/", "valid by valid").bearer(VALID),
        served("any case, any number of spaces", "/", "valid by valid")
            .with("authorization", format!("bEaReR   {VALID}")),
        served("a key header", "/", "valid by valid").with("x-api-key", VALID),
        served("two places, one key", "/", "valid by valid")
            .bearer(VALID)
            .with("api-key", VALID),
        served("a proxy's own scheme beside it", "/", "valid by valid")
            .with("authorization", basic("proxy", "password"))
            .with("x-api-key", VALID),
        served("the query", &format!("/?key={VALID}&a=b"), "valid by valid"),
        served("a subprotocol", "/", "valid by valid").with(
            "sec-websocket-protocol",
            format!("chat, {}", subprotocol(VALID)),
        ),
        served("scopes", "/admin", "admin by admin").bearer(ADMIN),
        served("public", "/public", "None"),
        served("public, whatever is presented", "/public", "None").bearer(EXPIRED),
        served("optional, none", "/optional", "anonymous"),
        served("optional, empty", "/optional", "anonymous").with("x-api-key", ""),
        served("optional, a key", "/optional", "valid by valid").bearer(VALID),
        served("lenient, none", "/lenient", "anonymous"),
        served("lenient, bad", "/lenient", "anonymous").bearer(EXPIRED),
        served("lenient, a key", "/lenient", "valid by valid").bearer(VALID),
    ]
}
