use http::{Method, Request, Uri};
use tower::Layer;
use tower_rotating_auth::{
    Secret,
    outbound::{ConfigErrorKind, Credential, InjectKeyLayer, Origin, RotatingCredential},
};

use super::{World, get};
use crate::support::Traced;

fn key() -> RotatingCredential {
    RotatingCredential::manual(Credential::bearer(&Secret::from("key")).unwrap()).0
}

async fn is_given_the_key(inject: InjectKeyLayer, request: Request<String>) -> bool {
    let world = World::new("key");
    inject
        .layer(world.upstream())
        .oneshot(request)
        .await
        .unwrap();
    world.seen()[0].accepted
}

#[tokio::test]
async fn key_reaches_only_the_configured_origin() {
    let reached = [
        "https://api.example.com/",
        "https://api.example.com/v1/models?limit=1",
        "https://api.example.com:443/",
        "https://API.Example.COM/",
        "https://user:word@api.example.com/",
    ];
    let not_reached = [
        "http://api.example.com/",
        "https://api.example.com:8443/",
        "https://api.example.com:99999/",
        "https://api.example.com:api.example.com/",
        "https://api.example.com./",
        "https://api.example.com.evil.test/",
        "https://api.example.com@evil.test/",
        "https://evil.test/https://api.example.com/",
        "https://evil.test/?https://api.example.com",
        "https://example.com/",
        "https://xn--api-.example.com/",
        "wss://api.example.com/",
        "/v1/models",
    ];
    for (uri, expected) in reached
        .map(|uri| (uri, true))
        .into_iter()
        .chain(not_reached.map(|uri| (uri, false)))
    {
        let inject = InjectKeyLayer::new("https://api.example.com", key()).unwrap();
        assert_eq!(is_given_the_key(inject, get(uri)).await, expected, "{uri}");
    }
}

#[tokio::test]
async fn ip_address_spellings_are_one_origin() {
    for (origin, uri, expected) in [
        (
            "https://[2001:db8::1]",
            "https://[2001:DB8:0:0:0:0:0:1]/",
            true,
        ),
        ("https://[2001:db8::1]", "https://[2001:db8::2]/", false),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", true),
        ("http://127.0.0.1:8080", "http://localhost:8080/", false),
    ] {
        let inject = InjectKeyLayer::new(origin, key()).unwrap();
        assert_eq!(is_given_the_key(inject, get(uri)).await, expected, "{uri}");
    }
}

#[tokio::test]
async fn path_only_request_uses_assumed_origin() {
    let inject = InjectKeyLayer::new("https://api.example.com", key()).unwrap();
    let assume = |origin: &str| inject.clone().assume_origin(origin).unwrap();
    let same = assume("https://api.example.com:443");
    let other = assume("https://other.example.com");
    assert!(is_given_the_key(same.clone(), get("/v1/models")).await);
    assert!(!is_given_the_key(other, get("/v1/models")).await);

    let mut connect = get("/");
    *connect.method_mut() = Method::CONNECT;
    *connect.uri_mut() = Uri::from_static("evil.test:443");
    assert!(!is_given_the_key(same, connect).await);
}

#[tokio::test]
async fn missing_origin_is_logged_once() {
    let inject = InjectKeyLayer::new("https://api.example.com", key()).unwrap();
    let other = inject.clone().assume_origin("https://other.example.com");
    for (inject, assumed) in [(inject, None), (other.unwrap(), Some("other.example.com"))] {
        let traced = Traced::new();
        for _ in 0..2 {
            assert!(!is_given_the_key(inject.clone(), get("/v1/models")).await);
        }
        let text = traced.text();
        assert_eq!(text.matches("assume_origin").count(), 1, "{text}");
        assert!(
            assumed.is_none_or(|assumed| text.contains(assumed)),
            "{text}"
        );
    }
    let traced = Traced::new();
    let inject = InjectKeyLayer::new("https://api.example.com", key()).unwrap();
    assert!(!is_given_the_key(inject, get("https://elsewhere.test/")).await);
    assert_eq!(traced.text(), "");
}

#[tokio::test]
async fn any_origin_excludes_cleartext_off_loopback() {
    for (uri, expected) in [
        ("https://anywhere.test/", true),
        ("http://localhost:1/", true),
        ("http://127.9.9.9/", true),
        ("http://[::1]/", true),
        ("http://anywhere.test/", false),
        ("http://localhost.evil.test/", false),
        ("http://127.0.0.1.evil.test/", false),
        ("/", false),
    ] {
        let inject = InjectKeyLayer::any_origin(key());
        assert_eq!(is_given_the_key(inject, get(uri)).await, expected, "{uri}");
    }
}

#[tokio::test]
async fn cleartext_origin_is_opt_in() {
    let origin = Origin::cleartext("http://b.test:8080").unwrap();
    let inject = InjectKeyLayer::new(origin, key()).unwrap();
    assert!(is_given_the_key(inject.clone(), get("http://b.test:8080/")).await);
    assert!(!is_given_the_key(inject, get("http://b.test/")).await);
}

#[test]
fn invalid_origin_has_a_kind() {
    for (url, why) in [
        ("api.example.com", ConfigErrorKind::InvalidUrl),
        ("/v1", ConfigErrorKind::InvalidUrl),
        ("https://", ConfigErrorKind::InvalidUrl),
        ("https://a.test:99999", ConfigErrorKind::InvalidUrl),
        ("https://ä.test", ConfigErrorKind::InvalidUrl),
        ("ftp://a.test", ConfigErrorKind::UrlScheme),
        ("https://user@a.test", ConfigErrorKind::UserInfo),
        ("http://a.test", ConfigErrorKind::Cleartext),
        ("http://10.0.0.1", ConfigErrorKind::Cleartext),
    ] {
        let error = url.parse::<Origin>().unwrap_err();
        assert_eq!(error.kind(), why, "{url}");
    }
    assert!("http://localhost:11434".parse::<Origin>().is_ok());
}
