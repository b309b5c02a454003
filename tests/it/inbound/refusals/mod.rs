//! What a refused client is told.

mod bodies;
mod challenges;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response};
use tower_rotating_auth::inbound::{
    AuthError, AuthErrorKind, AuthErrorResponse, ErrorFormat, KeyLocation, KeyLocations, Scopes,
};

const INVALID_TOKEN: &str = r#"Bearer realm="R", error="invalid_token", error_description="The access token is invalid or expired""#;
const INVALID_REQUEST: &str = r#"Bearer realm="R", error="invalid_request""#;
const BARE: &str = r#"Bearer realm="R""#;

fn scopes(text: &str) -> Scopes {
    text.parse().unwrap()
}

fn custom(refusal: &AuthError) -> (HeaderValue, Bytes) {
    let text = HeaderValue::from_static("text/plain");
    (text, format!("{:?}", refusal.kind()).into())
}

const FORMATS: [ErrorFormat; 6] = [
    ErrorFormat::Json,
    ErrorFormat::OpenAi,
    ErrorFormat::Anthropic,
    ErrorFormat::Problem,
    ErrorFormat::Empty,
    ErrorFormat::Custom(custom),
];

fn every_refusal() -> Vec<(AuthError, u16, Option<&'static str>, &'static str)> {
    let retry_after = Duration::from_secs(7);
    vec![
        (AuthErrorKind::Missing.into(), 401, Some(BARE), "missing"),
        (
            AuthErrorKind::UnsupportedScheme.into(),
            401,
            Some(BARE),
            "unsupported_scheme",
        ),
        (AuthErrorKind::Empty.into(), 401, Some(BARE), "empty"),
        (
            AuthErrorKind::Malformed.into(),
            401,
            Some(INVALID_TOKEN),
            "malformed",
        ),
        (
            AuthErrorKind::TooLong.into(),
            401,
            Some(INVALID_TOKEN),
            "too_long",
        ),
        (
            AuthErrorKind::BadChecksum.into(),
            401,
            Some(INVALID_TOKEN),
            "bad_checksum",
        ),
        (
            AuthErrorKind::Unknown.into(),
            401,
            Some(INVALID_TOKEN),
            "unknown",
        ),
        (
            AuthErrorKind::NotYetValid.into(),
            401,
            Some(INVALID_TOKEN),
            "not_yet_valid",
        ),
        (
            AuthErrorKind::Expired.into(),
            401,
            Some(INVALID_TOKEN),
            "expired",
        ),
        (
            AuthErrorKind::Revoked.into(),
            401,
            Some(INVALID_TOKEN),
            "revoked",
        ),
        (
            AuthErrorKind::Disabled.into(),
            401,
            Some(INVALID_TOKEN),
            "disabled",
        ),
        (
            AuthErrorKind::Duplicate.into(),
            400,
            Some(INVALID_REQUEST),
            "duplicate",
        ),
        (
            AuthErrorKind::Conflict.into(),
            400,
            Some(INVALID_REQUEST),
            "conflict",
        ),
        (
            AuthError::insufficient_scope(scopes("b a")),
            403,
            Some(r#"Bearer realm="R", error="insufficient_scope", scope="a b""#),
            "insufficient_scope",
        ),
        (
            AuthError::insufficient_scope(scopes("")),
            403,
            Some(r#"Bearer realm="R", error="insufficient_scope""#),
            "insufficient_scope",
        ),
        (AuthErrorKind::Forbidden.into(), 403, None, "forbidden"),
        (
            AuthError::unavailable(retry_after),
            503,
            None,
            "unavailable",
        ),
        (AuthErrorKind::NoLayer.into(), 500, None, "no_layer"),
    ]
}

/// What can be wrong with a token.
fn bad_tokens() -> impl Iterator<Item = AuthError> {
    let all = every_refusal().into_iter();
    all.filter(|(_, _, challenge, _)| *challenge == Some(INVALID_TOKEN))
        .map(|(refusal, ..)| refusal)
}

fn refuser() -> AuthErrorResponse {
    AuthErrorResponse::new("R").unwrap()
}

fn answer(refuser: &AuthErrorResponse, refusal: &AuthError) -> Response<Bytes> {
    refuser.response(refusal, &Method::POST, &HeaderMap::new())
}

fn grpc(content_type: &'static str) -> HeaderMap {
    let content_type = HeaderValue::from_static(content_type);
    HeaderMap::from_iter([(http::header::CONTENT_TYPE, content_type)])
}

fn challenges(response: &Response<Bytes>) -> Vec<&str> {
    let lines = response.headers().get_all("www-authenticate").iter();
    lines.map(|line| line.to_str().unwrap()).collect()
}

#[test]
fn each_refusal_has_its_status_its_challenge_and_its_reason() {
    for (refusal, status, challenge, reason) in every_refusal() {
        let response = answer(&refuser(), &refusal);
        assert_eq!(response.status(), status, "{reason}");
        assert_eq!(refusal.status(), status, "{reason}");
        assert_eq!(refusal.reason(), reason);
        assert_eq!(challenges(&response), Vec::from_iter(challenge), "{reason}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{reason}");
        assert_eq!(response.extensions().get(), Some(&refusal), "{reason}");
        let retry_after = response.headers().get("retry-after");
        assert_eq!(retry_after.is_some(), status == 503, "{reason}");
    }
}

#[test]
fn only_who_presents_nothing_is_anonymous() {
    for (refusal, _, challenge, reason) in every_refusal() {
        assert_eq!(
            refusal.nothing_presented(),
            challenge == Some(BARE),
            "{reason}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_token_cannot_be_told_from_the_answer() {
    for format in FORMATS {
        let slots = KeyLocations::new([KeyLocation::Bearer, KeyLocation::Basic]).unwrap();
        let refuser = refuser().format(format).locations(&slots);
        for (method, headers) in [
            (Method::POST, HeaderMap::new()),
            (Method::HEAD, HeaderMap::new()),
            (Method::POST, grpc("application/grpc")),
        ] {
            let answers: Vec<_> = bad_tokens()
                .map(|refusal| refuser.response(&refusal, &method, &headers))
                .map(|response| {
                    // In the order in which they are sent.
                    let headers = Vec::from_iter(response.headers().clone());
                    (response.status(), headers, response.into_body())
                })
                .collect();
            assert_eq!(answers.len(), 8);
            for answer in &answers {
                assert_eq!(*answer, answers[0], "{format:?} {method}");
            }
        }
    }
}

#[test]
fn grpc_is_answered_in_its_own_terms() {
    for (refusal, status, challenge, reason) in every_refusal() {
        let code = match status {
            401 => "16",
            403 => "7",
            400 => "3",
            503 => "14",
            500 => "13",
            other => unreachable!("{other}"),
        };
        for content_type in [
            "application/grpc",
            "application/grpc+proto",
            "Application/gRPC; charset=utf-8",
        ] {
            let response = refuser().response(&refusal, &Method::POST, &grpc(content_type));
            assert_eq!(response.status(), 200, "{reason}");
            assert_eq!(response.headers()["content-type"], "application/grpc");
            assert_eq!(response.headers()["grpc-status"], code, "{reason}");
            let message = response.headers()["grpc-message"].to_str().unwrap();
            assert!(
                message
                    .bytes()
                    .all(|b| matches!(b, b' '..=b'~') && b != b'%')
            );
            assert_eq!(challenges(&response), Vec::from_iter(challenge));
            assert!(response.body().is_empty());
            assert_eq!(response.extensions().get(), Some(&refusal));
        }
        for content_type in [
            "application/grpc-web+proto",
            "application/grpcx",
            "text/plain",
        ] {
            let response = refuser().response(&refusal, &Method::POST, &grpc(content_type));
            assert_eq!(response.status(), status, "{content_type}");
        }
    }
}

#[test]
fn retry_after_is_rounded_up_and_at_least_a_second() {
    for (wait, seconds) in [
        (Duration::ZERO, "1"),
        (Duration::from_millis(1), "1"),
        (Duration::from_secs(1), "1"),
        (Duration::from_millis(1001), "2"),
        (Duration::MAX, "18446744073709551615"),
    ] {
        let refusal = AuthError::unavailable(wait);
        let response = answer(&refuser(), &refusal);
        assert_eq!(response.headers()["retry-after"], seconds, "{wait:?}");
    }
}
