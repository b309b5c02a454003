//! Tests of challenges with another parser.

use http_auth::parse_challenges;
use tower_rotating_auth::inbound::{
    AuthError, AuthErrorKind, AuthErrorResponse, KeyLocation, KeyLocations,
};

use super::{answer, challenges, error_response, every_error, scopes};

#[test]
fn basic_challenge_follows_bearer_if_enabled() {
    let error_response = error_response();
    let with_basic = KeyLocations::new([KeyLocation::Basic, KeyLocation::Bearer]).unwrap();
    for (error, status, challenge, reason) in every_error() {
        let mut expected = Vec::from_iter(challenge);
        let without = error_response
            .clone()
            .locations(&with_basic)
            .locations(&KeyLocations::default());
        assert_eq!(challenges(&answer(&without, &error)), expected, "{reason}");
        if status == 401 {
            expected.push(r#"Basic realm="R""#);
        }
        let with = error_response.clone().locations(&with_basic);
        assert_eq!(challenges(&answer(&with, &error)), expected, "{reason}");
    }
}

#[test]
fn challenge_has_metadata_url() {
    let url = "https://example.com/.well-known/oauth-protected-resource/\"a\"";
    let error_response = error_response().resource_metadata(url).unwrap();
    for (error, ..) in every_error() {
        let response = answer(&error_response, &error);
        for line in challenges(&response) {
            let parsed = parse_challenges(line).unwrap();
            let found = parsed[0]
                .params
                .iter()
                .find(|(name, _)| *name == "resource_metadata");
            assert_eq!(found.unwrap().1.to_unescaped(), url);
        }
    }
}

#[test]
fn only_a_401_asks_for_the_configured_scopes() {
    let error_response = error_response().scopes(scopes("chat:write models:read"));
    for (error, status, ..) in every_error() {
        let response = answer(&error_response, &error);
        let found: Vec<_> = challenges(&response)
            .iter()
            .flat_map(|line| parse_challenges(line).unwrap())
            .flat_map(|challenge| challenge.params)
            .filter(|(name, _)| *name == "scope")
            .map(|(_, value)| value.to_unescaped())
            .collect();
        let required = error.required_scopes().map(ToString::to_string);
        let expected = match status {
            401 => Some("chat:write models:read".to_owned()),
            _ => required.filter(|scopes| !scopes.is_empty()),
        };
        assert_eq!(found, Vec::from_iter(expected), "{}", error.reason());
    }
}

#[test]
fn challenges_parse_back() {
    let realm = r#"a "realm", with \ and = in it"#;
    let locations = KeyLocations::new([KeyLocation::Basic]).unwrap();
    let error_response = AuthErrorResponse::new(realm).unwrap().locations(&locations);
    let response = answer(
        &error_response,
        &AuthError::insufficient_scope(scopes("models:read !#[]~")),
    );
    let line = challenges(&response)[0];
    let parsed = parse_challenges(line).unwrap();
    assert_eq!(parsed.len(), 1);
    assert_eq!(parsed[0].scheme, "Bearer");
    let parameters = parsed[0].params.iter();
    let parameters: Vec<_> = parameters
        .map(|(name, value)| (*name, value.to_unescaped()))
        .collect();
    let expected = [
        ("realm", realm),
        ("error", "insufficient_scope"),
        ("scope", "!#[]~ models:read"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    assert_eq!(parameters, expected);

    let response = answer(&error_response, &AuthErrorKind::Missing.into());
    let schemes = challenges(&response).join(", ");
    let schemes: Vec<_> = parse_challenges(&schemes).unwrap();
    assert_eq!(
        schemes.iter().map(|found| found.scheme).collect::<Vec<_>>(),
        ["Bearer", "Basic"]
    );
}
