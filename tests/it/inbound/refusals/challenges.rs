//! Challenges, as other programs read them.

use http_auth::parse_challenges;
use tower_rotating_auth::inbound::{
    AuthError, AuthErrorKind, AuthErrorResponse, KeyLocation, KeyLocations,
};

use super::{answer, challenges, every_refusal, refuser, scopes};

#[test]
fn basic_is_asked_for_after_bearer_on_a_line_of_its_own_and_only_if_it_is_read() {
    let refuser = refuser();
    let with_basic = KeyLocations::new([KeyLocation::Basic, KeyLocation::Bearer]).unwrap();
    for (refusal, status, challenge, reason) in every_refusal() {
        let mut expected = Vec::from_iter(challenge);
        let without = refuser
            .clone()
            .locations(&with_basic)
            .locations(&KeyLocations::default());
        assert_eq!(
            challenges(&answer(&without, &refusal)),
            expected,
            "{reason}"
        );
        if status == 401 {
            expected.push(r#"Basic realm="R""#);
        }
        let with = refuser.clone().locations(&with_basic);
        assert_eq!(challenges(&answer(&with, &refusal)), expected, "{reason}");
    }
}

#[test]
fn clients_are_told_where_the_metadata_is() {
    let url = "https://example.com/.well-known/oauth-protected-resource/\"a\"";
    let refuser = refuser().resource_metadata(url).unwrap();
    for (refusal, ..) in every_refusal() {
        let response = answer(&refuser, &refusal);
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
fn challenges_read_back_through_another_parser() {
    let realm = r#"a "realm", with \ and = in it"#;
    let slots = KeyLocations::new([KeyLocation::Basic]).unwrap();
    let refuser = AuthErrorResponse::new(realm).unwrap().locations(&slots);
    let response = answer(
        &refuser,
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

    let response = answer(&refuser, &AuthErrorKind::Missing.into());
    let schemes = challenges(&response).join(", ");
    let schemes: Vec<_> = parse_challenges(&schemes).unwrap();
    assert_eq!(
        schemes.iter().map(|found| found.scheme).collect::<Vec<_>>(),
        ["Bearer", "Basic"]
    );
}
