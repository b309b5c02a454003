//! Rate limits over a socket.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use http::Method;
use reqwest::Client;
use tokio::net::TcpListener;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_rotating_auth::{
    inbound::policy::RoutePolicy,
    inbound::{PeerAddr, RequireKeyLayer, TrustedProxies},
    keyring::{IssueRequest, KeyRing, MemoryStore, NewKey, RotateRequest},
};
use tower_rotating_auth_governor::ClientKeyExtractor;

const BURST: u32 = 2;
/// So long that no test sees a second token.
const PERIOD: Duration = Duration::from_secs(3600);

/// Returns routes with an optional key, with a limit inside.
fn routes(ring: &KeyRing, extractor: ClientKeyExtractor) -> Router {
    let limit = GovernorConfigBuilder::default()
        .period(PERIOD)
        .burst_size(BURST)
        .key_extractor(extractor)
        .finish()
        .unwrap();
    let policy = RoutePolicy::new().optional(Method::GET, "/prices").unwrap();
    let policy = policy.public(Method::GET, "/health").unwrap();
    Router::new()
        .route("/prices", get(async || "prices"))
        .route("/health", get(async || "fine"))
        .layer(GovernorLayer::new(limit))
        .layer(RequireKeyLayer::new(ring.keys()).policy(policy))
}

/// Serves routes. Returns their URL.
async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

async fn ring() -> KeyRing {
    KeyRing::builder()
        .start(MemoryStore::default())
        .await
        .unwrap()
}

async fn issue(ring: &KeyRing, client: &str) -> NewKey {
    let request = IssueRequest::new(client.parse().unwrap());
    let request = request.or_new_client("".parse().unwrap());
    ring.issue(request).await.unwrap().into_new().unwrap()
}

/// A caller at an address, which says what it likes about itself.
async fn call(url: &str, from: [u8; 4], token: Option<&str>, said: &str) -> u16 {
    let client = Client::builder().local_address(IpAddr::from(from));
    let mut request = client.build().unwrap().get(url);
    for header in ["x-forwarded-for", "x-real-ip"] {
        request = request.header(header, said);
    }
    request = request.header("forwarded", format!("for={said}"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.unwrap().status().as_u16()
}

const HERE: [u8; 4] = [127, 0, 0, 1];
const THERE: [u8; 4] = [127, 0, 0, 2];

fn token(key: &NewKey) -> &str {
    std::str::from_utf8(key.token().expose_secret()).unwrap()
}

#[tokio::test]
async fn keys_of_a_rotation_share_one_limit() {
    let ring = ring().await;
    let (old, other) = (issue(&ring, "batch").await, issue(&ring, "web").await);
    let rotated = RotateRequest::with_grace(old.id(), PERIOD);
    let new = ring.rotate(rotated).await.unwrap().into_new().unwrap();
    let url = serve(routes(&ring, ClientKeyExtractor::new())).await + "/prices";
    let mut seen = Vec::new();
    for (key, from) in [
        (&old, HERE),
        (&new, THERE),
        (&old, HERE),
        (&new, HERE),
        (&other, HERE),
    ] {
        seen.push(call(&url, from, Some(token(key)), "192.0.2.7").await);
    }
    assert_eq!(seen, [200, 200, 429, 429, 200]);
    // A refused request uses up nobody's limit, not that of anonymous ones either.
    for _ in 0..4 {
        assert_eq!(call(&url, HERE, Some("guessed"), "192.0.2.7").await, 401);
    }
    assert_eq!(call(&url, HERE, None, "192.0.2.7").await, 200);
}

#[tokio::test]
async fn anonymous_callers_are_limited_by_address() {
    let ring = ring().await;
    let url = serve(routes(&ring, ClientKeyExtractor::new())).await;
    // On routes with an optional key, and on public ones, which check none.
    for path in ["/prices", "/health"] {
        let url = format!("{url}{path}");
        let mut seen = Vec::new();
        for n in 1..=4 {
            // Each time another address, by every header that names one.
            seen.push(call(&url, HERE, None, &format!("192.0.2.{n}")).await);
        }
        let expected = match path {
            "/prices" => [200, 200, 429, 429],
            _ => [429; 4],
        };
        assert_eq!(seen, expected, "{path}");
    }
    assert_eq!(
        call(&(url + "/prices"), THERE, None, "192.0.2.1").await,
        200
    );
}

#[tokio::test]
async fn named_proxies_tell_who_is_anonymous() {
    let ring = ring().await;
    let proxies = TrustedProxies::new("127.0.0.1".parse().unwrap());
    let extractor = ClientKeyExtractor::new().trusted_proxies(proxies);
    let url = serve(routes(&ring, extractor)).await + "/prices";
    for (said, expected) in [
        ("192.0.2.1", 200),
        ("192.0.2.1", 200),
        ("192.0.2.1", 429),
        ("198.51.100.1, 192.0.2.1", 429),
        ("192.0.2.2", 200),
        // The addresses of one subscriber.
        ("2001:db8::1", 200),
        ("2001:db8::2", 200),
        ("2001:db8::ffff:1", 429),
        ("2001:db8:0:1::1", 200),
    ] {
        assert_eq!(call(&url, HERE, None, said).await, expected, "{said}");
    }
    // Another peer is believed nothing.
    for (said, expected) in [("192.0.2.8", 200), ("192.0.2.9", 200), ("192.0.2.10", 429)] {
        assert_eq!(call(&url, THERE, None, said).await, expected, "{said}");
    }
}

#[tokio::test]
async fn peer_addr_goes_before_connect_info() {
    let ring = ring().await;
    let limited = routes(&ring, ClientKeyExtractor::new());
    let at = |address: &str| {
        let peer = PeerAddr(address.parse().unwrap());
        serve(limited.clone().layer(Extension(peer)))
    };
    let (one, other) = (at("192.0.2.1:1").await, at("192.0.2.2:1").await);
    let mut seen = Vec::new();
    for url in [&one, &one, &one, &other] {
        seen.push(call(&format!("{url}/prices"), HERE, None, "x").await);
    }
    assert_eq!(seen, [200, 200, 429, 200]);
}

#[tokio::test]
async fn unknown_peer_is_an_error_of_the_server() {
    let ring = ring().await;
    let key = issue(&ring, "batch").await;
    let routes = routes(&ring, ClientKeyExtractor::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/prices", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    assert_eq!(call(&url, HERE, None, "192.0.2.7").await, 500);
    assert_eq!(call(&url, HERE, Some(token(&key)), "192.0.2.7").await, 200);
}

#[test]
fn example_ends_with_success() {
    let tests = std::env::current_exe().unwrap();
    let target = tests.parent().and_then(Path::parent).unwrap();
    let output = Command::new(target.join("examples/rate_limited"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
