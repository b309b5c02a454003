//! Properties of all requests.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri, Version};
use http_auth::parse_challenges;
use proptest::prelude::*;
use tower_rotating_auth::inbound::{AuthErrorKind, AuthErrorResponse};

use super::{Head, basic, every_location, subprotocol};

const NAMES: [&str; 6] = [
    "authorization",
    "x-api-key",
    "api-key",
    "sec-websocket-protocol",
    "cookie",
    "x-other",
];

/// A token that no other generated text contains.
const TOKEN: &str = "sentinel-0f3c9a";

fn value() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        Just(b"Bearer ".to_vec()),
        Just(b"bearer".to_vec()),
        Just(b"Basic ".to_vec()),
        Just(b"base64url.bearer.authorization.k8s.io.".to_vec()),
        Just(b", ".to_vec()),
        Just(TOKEN.into()),
        Just(basic("user", TOKEN)),
        Just(subprotocol(TOKEN).into_bytes()),
        proptest::collection::vec(
            prop_oneof![Just(b'\t'), 0x20..=0x7E_u8, 0x80..=0xFF_u8],
            0..8
        ),
    ];
    proptest::collection::vec(pieces, 0..5).prop_map(|pieces| pieces.concat())
}

fn query() -> impl Strategy<Value = String> {
    let parameters = prop_oneof![
        Just(format!("key={TOKEN}")),
        Just(format!("k%65y={}%2D0f3c9a", &TOKEN[..8])),
        "(key|k%65%79|a|%)?[=+;]{0,2}[a-z0-9%~]{0,6}",
    ];
    proptest::collection::vec(parameters, 0..5).prop_map(|parameters| parameters.join("&"))
}

fn head() -> impl Strategy<Value = Head> {
    let lines = proptest::collection::vec((0..NAMES.len(), value()), 0..6);
    (lines, proptest::option::of(query())).prop_map(|(lines, query)| {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_bytes(&value).unwrap();
            headers.append(HeaderName::from_static(NAMES[name]), value);
        }
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        let uri = format!("/v1{query}").parse().unwrap();
        Head { headers, uri }
    })
}

proptest! {
    #[test]
    fn extracted_token_is_well_formed_and_stripped(mut head in head()) {
        let locations = every_location();
        if let Ok(token) = locations.extract(&head.headers, &head.uri) {
            prop_assert!((1..=512).contains(&token.bytes().len()));
            prop_assert!(token.bytes().iter().all(u8::is_ascii_graphic));
        }
        head.strip(&locations);
        prop_assert_eq!(head.extract(&locations), Err(AuthErrorKind::Missing));
        let other_headers = ["cookie", "x-other"].map(HeaderName::from_static);
        let reachable = head.headers.iter().filter(|(name, _)| !other_headers.contains(name));
        for (_, value) in reachable {
            let entries: Vec<_> = value.as_bytes().split(|byte| *byte == b',').collect();
            prop_assert!(!entries.iter().any(|entry| entry.trim_ascii().starts_with(b"base64url.")));
        }
        prop_assert!(!head.uri.to_string().contains("sentinel"));
    }

    #[test]
    fn strip_keeps_other_headers_and_path(head in head()) {
        let mut stripped = head.clone();
        stripped.strip(&every_location());
        for name in ["cookie", "x-other"] {
            let before: Vec<_> = head.headers.get_all(name).iter().collect();
            let after: Vec<_> = stripped.headers.get_all(name).iter().collect();
            prop_assert_eq!(before, after);
        }
        prop_assert_eq!(stripped.uri.path(), head.uri.path());
    }

    #[test]
    fn strip_keeps_other_parameters_in_order(
        parameters in proptest::collection::vec(
            prop_oneof![
                (Just(true), "(k|%6b|%6B)(e|%65)(y|%79)(=[a-z%=;+]{0,6})?"),
                (Just(false), "[a-j%=;+~]{0,8}"),
            ],
            1..6,
        )
    ) {
        let join = |parameters: Vec<&str>| match parameters.as_slice() {
            [] => "/v1".to_owned(),
            some => format!("/v1?{}", some.join("&")),
        };
        let all = join(parameters.iter().map(|(_, text)| text.as_str()).collect());
        let others = join(parameters.iter().filter(|(key, _)| !key).map(|(_, text)| text.as_str()).collect());
        let mut head = Head::uri(&all);
        head.strip(&every_location());
        prop_assert_eq!(head.uri.to_string(), others);
    }

    #[test]
    fn strip_keeps_scheme_authority_and_path(uri in "(https?://[a-z]{1,3}(:1)?)?[/a-c?&=%#*]{0,12}") {
        if let Ok(uri) = uri.parse::<Uri>() {
            let mut stripped = uri.clone();
            every_location().strip(&mut HeaderMap::new(), &mut stripped);
            prop_assert_eq!(stripped.scheme(), uri.scheme());
            prop_assert_eq!(stripped.authority(), uri.authority());
            prop_assert_eq!(stripped.path(), uri.path());
        }
    }

    #[test]
    fn accepted_realm_parses_back(realm in prop_oneof![any::<String>(), "[ -~]{1,20}"]) {
        if let Ok(error_response) = AuthErrorResponse::new(&realm) {
            let response = error_response.response(&AuthErrorKind::Missing.into(), &Method::GET, Version::HTTP_11, &HeaderMap::new());
            let line = response.headers()["www-authenticate"].to_str().unwrap();
            let parsed = parse_challenges(line).unwrap();
            prop_assert_eq!(parsed.len(), 1);
            prop_assert_eq!(parsed[0].scheme, "Bearer");
            prop_assert_eq!(parsed[0].params.len(), 1);
            prop_assert_eq!(parsed[0].params[0].1.to_unescaped(), realm);
        }
    }
}
