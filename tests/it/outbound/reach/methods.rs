//! Methods that must not carry a key: servers echo them, or they ask for a tunnel.

use http::Version;
use hyper::ext::Protocol;
use tower_rotating_auth::{outbound::InjectKeyLayer, outbound::RotatingCredential};

use super::{ALONE, KEYED, Kind, STACKED, URL, request, sent};

const THEIRS: &str = "x-upstream-key: theirs";

fn keep(key: RotatingCredential) -> InjectKeyLayer {
    InjectKeyLayer::new("https://api.test", key).unwrap()
}

fn overriding(key: RotatingCredential) -> InjectKeyLayer {
    keep(key).override_existing()
}

#[tokio::test]
async fn echoing_methods_carry_no_key() {
    for (method, expected) in [
        ("GET", KEYED),
        ("POST", KEYED),
        ("OPTIONS", KEYED),
        ("HEAD", KEYED),
        ("PATCH", KEYED),
        ("TRACER", KEYED),
        ("PROPFIND", KEYED),
        ("TRACE", ""),
        ("trace", ""),
        ("TRACK", ""),
        ("Track", ""),
        ("CONNECT", ""),
        ("connect", ""),
    ] {
        for kind in ALONE.into_iter().chain(STACKED) {
            let sent = sent(kind, keep, request(method, URL, &[])).await;
            assert_eq!(sent, expected, "{method}, {kind:?}");
        }
    }
}

#[tokio::test]
async fn any_origin_echoing_methods_carry_no_key() {
    for method in ["TRACE", "CONNECT"] {
        for kind in ALONE {
            let any = InjectKeyLayer::any_origin;
            let sent = sent(kind, any, request(method, URL, &[])).await;
            assert_eq!(sent, "", "{method}, {kind:?}");
        }
    }
}

#[tokio::test]
async fn echoing_methods_keep_or_lose_the_callers_header() {
    for method in ["TRACE", "TRACK", "CONNECT"] {
        let request = || request(method, URL, &[THEIRS]);
        for kind in ALONE {
            assert_eq!(
                sent(kind, keep, request()).await,
                THEIRS,
                "{method}, {kind:?}"
            );
            assert_eq!(
                sent(kind, overriding, request()).await,
                "",
                "{method}, {kind:?}"
            );
        }
        for kind in STACKED {
            assert_eq!(sent(kind, keep, request()).await, "", "{method}, {kind:?}");
        }
    }
}

#[tokio::test]
async fn authority_form_connect_carries_no_key() {
    let request = || request("CONNECT", "api.test:443", &[THEIRS]);
    for kind in [Kind::Replaying, Kind::Once] {
        assert_eq!(sent(kind, keep, request()).await, THEIRS);
        assert_eq!(
            sent(kind, overriding, request()).await,
            THEIRS,
            "names no origin"
        );
    }
    for kind in STACKED {
        assert_eq!(sent(kind, keep, request()).await, "");
    }
}

#[tokio::test]
async fn extended_connect_carries_the_key_if_allowed() {
    let allowed = |key| keep(key).allow_extended_connect::<Protocol>();
    let rebuilt = |key| allowed(key).replay(tower_rotating_auth::outbound::replay::CloneBody);
    let websocket = |method, version| {
        let mut request = request(method, URL, &[]);
        *request.version_mut() = version;
        let extensions = request.extensions_mut();
        extensions.insert(Protocol::from_static("websocket"));
        request
    };
    for kind in [
        Kind::Replaying,
        Kind::Once,
        Kind::Stacked,
        Kind::StackedOnce,
    ] {
        for (version, expected) in [
            (Version::HTTP_2, KEYED),
            (Version::HTTP_3, KEYED),
            (Version::HTTP_11, ""), // clients would ask for a tunnel
        ] {
            let sent_by = sent(kind, allowed, websocket("CONNECT", version)).await;
            assert_eq!(sent_by, expected, "{kind:?} {version:?}");
        }
        let http2 = || websocket("CONNECT", Version::HTTP_2);
        assert_eq!(sent(kind, rebuilt, http2()).await, KEYED);
        assert_eq!(sent(kind, keep, http2()).await, "", "not allowed");
        let trace = websocket("TRACE", Version::HTTP_2);
        assert_eq!(sent(kind, allowed, trace).await, "");
        let mut tunnel = http2();
        tunnel.extensions_mut().clear();
        assert_eq!(sent(kind, allowed, tunnel).await, "");
        let mut foreign = http2();
        let host = "evil.test".parse().unwrap();
        foreign.headers_mut().insert("host", host);
        assert_eq!(sent(kind, allowed, foreign).await, "host: evil.test");
    }
}
