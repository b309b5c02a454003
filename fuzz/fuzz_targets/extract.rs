//! Fuzzes the heads of requests: an extracted token is well-formed, and no token is left after
//! `strip`.
//!
//! The first line of the input is the URI. Each other line is a byte that picks a header, and its
//! value.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use libfuzzer_sys::fuzz_target;
use tower_rotating_auth::inbound::{AuthErrorKind, KeyLocation, KeyLocations};

const NAMES: [&str; 5] = [
    "authorization",
    "x-api-key",
    "api-key",
    "sec-websocket-protocol",
    "x-other",
];

fuzz_target!(|input: &[u8]| {
    let header = |name| KeyLocation::Header(HeaderName::from_static(name));
    let locations = KeyLocations::new([
        KeyLocation::Bearer,
        header("x-api-key"),
        header("api-key"),
        KeyLocation::Query("key".into()),
        KeyLocation::WebSocketProtocol,
        KeyLocation::Basic,
    ])
    .unwrap();

    let mut lines = input.split(|byte| *byte == b'\n');
    let Ok(mut uri) = Uri::try_from(lines.next().unwrap_or_default()) else {
        return;
    };
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some((pick, value)) = line.split_first() else {
            continue;
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(NAMES[usize::from(*pick) % NAMES.len()], value);
        }
    }
    let (path, others) = (
        uri.path().to_owned(),
        headers.get_all("x-other").iter().count(),
    );

    if let Ok(token) = locations.extract(&headers, &uri) {
        assert!((1..=512).contains(&token.bytes().len()));
        assert!(token.bytes().iter().all(u8::is_ascii_graphic));
        assert!(token.location_index() < locations.as_slice().len());
    }
    locations.strip(&mut headers, &mut uri);
    assert_eq!(locations.extract(&headers, &uri).unwrap_err().kind(), AuthErrorKind::Missing);
    assert_eq!(uri.path(), path);
    assert_eq!(headers.get_all("x-other").iter().count(), others);
});
