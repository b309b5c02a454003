//! Requests with tokens in several locations.

use tower_rotating_auth::inbound::{AuthErrorKind, KeyLocations};

use super::{Head, basic, every_location, k_in, subprotocol};

#[test]
fn same_location_twice_is_duplicate() {
    let once = subprotocol("k");
    let twice = format!("{once}, chat, {once}");
    let heads = [
        Head::lines(&[
            ("authorization", b"Bearer k"),
            ("authorization", b"Bearer k"),
        ]),
        Head::lines(&[("authorization", b"Bearer k"), ("authorization", b"")]),
        Head::lines(&[
            ("authorization", b"Token a"),
            ("authorization", b"Bearer k"),
        ]),
        Head::lines(&[("x-api-key", b"k"), ("x-api-key", b"k")]),
        Head::lines(&[("x-api-key", b""), ("X-Api-Key", b"k")]),
        Head::lines(&[("sec-websocket-protocol", twice.as_bytes())]),
        Head::lines(&[
            ("sec-websocket-protocol", once.as_bytes()),
            ("sec-websocket-protocol", once.as_bytes()),
        ]),
        Head::uri("/?key=k&key=k"),
        Head::uri("/?key=&a=b&key=k"),
        Head::uri("/?key=k&%6bey=k"),
        Head::uri("/?key&key"),
        Head::new(
            &[("authorization", b"Bearer k"), ("api-key", b"other")],
            "/?key=k&key=k",
        ),
    ];
    for head in heads {
        assert_eq!(
            head.extract(&every_location()),
            Err(AuthErrorKind::Duplicate),
            "{head:?}"
        );
    }
}

#[test]
fn different_tokens_are_conflict() {
    let heads = [
        Head::lines(&[("authorization", b"Bearer k"), ("x-api-key", b"l")]),
        Head::lines(&[("x-api-key", b"k"), ("api-key", b"K")]),
        Head::new(&[("authorization", b"Bearer k")], "/?key=l"),
        // One is valid, and the error in the other still counts.
        Head::lines(&[("authorization", b"Bearer k k"), ("x-api-key", b"k")]),
        Head::lines(&[("authorization", b"Bearer\tk"), ("x-api-key", b"k")]),
        Head::lines(&[("authorization", b"Basic !"), ("x-api-key", b"k")]),
        Head::lines(&[
            ("sec-websocket-protocol", subprotocol("k").as_bytes()),
            ("x-api-key", b"k"),
        ]),
        Head::new(
            &[("x-api-key", b"k")],
            &format!("/?key={}", "a".repeat(600)),
        ),
    ];
    for head in heads {
        assert_eq!(
            head.extract(&every_location()),
            Err(AuthErrorKind::Conflict),
            "{head:?}"
        );
    }
}

#[test]
fn same_token_in_several_locations_is_accepted() {
    let protocols = format!("chat, {}", subprotocol("k"));
    let head = Head::new(
        &[
            ("api-key", b"k"),
            ("x-api-key", b" k "),
            ("authorization", &basic("user", "k")),
            ("sec-websocket-protocol", protocols.as_bytes()),
        ],
        "/?key=%6b",
    );
    assert_eq!(head.extract(&every_location()), k_in(1));

    let malformed = Head::lines(&[("api-key", b"k k"), ("x-api-key", b"k k")]);
    assert_eq!(
        malformed.extract(&every_location()),
        Err(AuthErrorKind::Malformed)
    );
}

#[test]
fn key_header_beside_proxy_authorization_counts() {
    let locations = KeyLocations::default();
    for proxy in [&b"Basic dXNlcjpwYXNz"[..], b"Negotiate abc", b"", b"Bearer"] {
        let head = Head::lines(&[("authorization", proxy), ("x-api-key", b"k")]);
        assert_eq!(head.extract(&locations), k_in(1), "{head:?}");
    }
}
