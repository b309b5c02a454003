//! Fuzzes realms and scopes: another parser reads back what [`AuthErrorResponse`] accepted.
//!
//! The input is a realm, a line feed and the scopes.
#![no_main]

use http::{HeaderMap, Method, Version};
use http_auth::parse_challenges;
use libfuzzer_sys::fuzz_target;
use tower_rotating_auth::inbound::{AuthError, AuthErrorResponse, Scopes};

fuzz_target!(|input: &str| {
    let (realm, scopes) = input.split_once('\n').unwrap_or((input, ""));
    let (Ok(error_response), Ok(scopes)) = (AuthErrorResponse::new(realm), scopes.parse::<Scopes>()) else {
        return;
    };
    let error = AuthError::insufficient_scope(scopes.clone());
    let response = error_response.response(&error, &Method::GET, Version::HTTP_11, &HeaderMap::new());
    let line = response.headers()["www-authenticate"].to_str().unwrap();
    let challenges = parse_challenges(line).unwrap();
    assert_eq!(challenges.len(), 1);
    assert_eq!(challenges[0].scheme, "Bearer");

    let parameter = |name: &str| {
        let found = challenges[0]
            .params
            .iter()
            .find(|(its_name, _)| *its_name == name);
        found.map(|(_, value)| value.to_unescaped())
    };
    assert_eq!(parameter("realm").as_deref(), Some(realm));
    assert_eq!(parameter("error").as_deref(), Some("insufficient_scope"));
    let expected = (!scopes.is_empty()).then(|| scopes.to_string());
    assert_eq!(parameter("scope"), expected);
});
