//! Stripping keys from a request before the inner service sees it.

use http::HeaderName;
use tower_rotating_auth::inbound::{KeyLocation, KeyLocations};

use super::{Head, Lines, basic, every_location, subprotocol};

fn left_of(uri: &str) -> String {
    let mut head = Head::uri(uri);
    head.strip(&every_location());
    head.uri.to_string()
}

#[test]
fn strip_keeps_other_query_parameters() {
    for (uri, left) in [
        ("/v1?key=k", "/v1"),
        ("/v1?key", "/v1"),
        ("/v1?key=k&key=l", "/v1"),
        ("/v1?a=1&key=k&b=2", "/v1?a=1&b=2"),
        ("/v1?key=k&b=%7E&a=~&b=+%20", "/v1?b=%7E&a=~&b=+%20"),
        (
            "/v1?%6B%65y=k&Key=l&keys=m&xkey=n",
            "/v1?Key=l&keys=m&xkey=n",
        ),
        ("/v1?&key=k&&", "/v1?&&"),
        ("/v1?key=k&", "/v1?"),
        (
            "/a%2Fb//c/../d;key=k?key=k&a=/?",
            "/a%2Fb//c/../d;key=k?a=/?",
        ),
        (
            "https://user@example.com:8443/v1?key=k&a=b",
            "https://user@example.com:8443/v1?a=b",
        ),
        ("https://example.com?key=k", "https://example.com/"),
        ("https://example.com?key=k&a=b", "https://example.com/?a=b"),
    ] {
        assert_eq!(left_of(uri), left, "{uri}");
    }
}

#[test]
fn strip_leaves_uri_without_parameter() {
    for uri in [
        "/",
        "/v1?",
        "/v1?a=b&&c",
        "/?KEY=k",
        "*",
        "example.com:443",
        "https://example.com/?a",
    ] {
        assert_eq!(left_of(uri), uri);
    }
}

#[test]
fn strip_empties_every_location() {
    let token = subprotocol("k");
    let cases: [Lines<'_>; 6] = [
        &[
            ("authorization", b"Bearer k"),
            ("x-api-key", b"k"),
            ("api-key", b"k"),
        ],
        &[
            ("authorization", b"Bearer k"),
            ("authorization", b"Bearer l"),
        ],
        &[
            ("x-api-key", b""),
            ("x-api-key", b"a \x80"),
            ("X-API-KEY", b"l"),
        ],
        &[("authorization", b"Negotiate abc")],
        &[("authorization", &basic("user", "k"))],
        &[("sec-websocket-protocol", token.as_bytes())],
    ];
    for lines in cases {
        let mut head = Head::lines(lines);
        head.strip(&every_location());
        assert!(head.headers.is_empty(), "{lines:?}: {:?}", head.headers);
    }
}

#[test]
fn strip_leaves_other_locations() {
    let locations =
        KeyLocations::new([KeyLocation::Header(HeaderName::from_static("api-key"))]).unwrap();
    let mut head = Head::new(
        &[
            ("authorization", b"Bearer k"),
            ("x-api-key", b"k"),
            ("sec-websocket-protocol", subprotocol("k").as_bytes()),
        ],
        "/?key=k",
    );
    head.strip(&locations);
    assert_eq!(head.headers.len(), 3);
    assert_eq!(head.uri, "/?key=k");
}

#[test]
fn strip_keeps_other_subprotocols() {
    let token = subprotocol("k");
    for (lines, left) in [
        (vec![format!("{token}, chat")], vec!["chat"]),
        (vec![format!("a,b ,{token},\tc")], vec!["a, b, c"]),
        (vec![format!("{token}, {token}x, a")], vec!["a"]),
        (
            vec!["a,b".to_owned(), token.clone(), " c".to_owned()],
            vec!["a,b", " c"],
        ),
        (vec!["a,,b".to_owned()], vec!["a,,b"]),
    ] {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| ("sec-websocket-protocol", line.as_bytes()))
            .collect();
        let mut head = Head::lines(&lines);
        head.strip(&every_location());
        let kept = head.headers.get_all("sec-websocket-protocol");
        let kept: Vec<_> = kept.iter().map(|line| line.to_str().unwrap()).collect();
        assert_eq!(kept, left);
    }
}
