//! Fuzzes `WWW-Authenticate`: a 401 is about a `Bearer` unless another parser finds challenges in
//! it, and none for `Bearer`.
//!
//! The other parser knows no token68, so it takes some lists for errors that are none.
#![no_main]

use http::{HeaderMap, HeaderValue, StatusCode};
use http_auth::parse_challenges;
use libfuzzer_sys::fuzz_target;
use tower_rotating_auth::outbound::AuthScheme;
use tower_rotating_auth::outbound::adapter::{Rejection, Verdict};

fuzz_target!(|input: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(input) else {
        return;
    };
    let theirs = value.to_str().ok().and_then(|text| parse_challenges(text).ok());
    let headers = HeaderMap::from_iter([(http::header::WWW_AUTHENTICATE, value.clone())]);
    let rejection = Rejection::default();
    let found = rejection.classify(StatusCode::UNAUTHORIZED, &headers, Some(&AuthScheme::BEARER));
    if let Some(challenges) = theirs {
        let ours = challenges
            .iter()
            .any(|challenge| challenge.scheme.eq_ignore_ascii_case("Bearer"));
        let expected = if ours || challenges.is_empty() {
            Verdict::Rejected
        } else {
            Verdict::Inconclusive
        };
        assert_eq!(found, expected);
    }
    // A key without a scheme may be what any challenge is about.
    let found = rejection.classify(StatusCode::UNAUTHORIZED, &headers, None);
    assert_eq!(found, Verdict::Rejected);
});
