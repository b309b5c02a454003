//! Tests of error responses.

mod bodies;
mod challenges;
mod order;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, Version};
use tower_rotating_auth::inbound::{
    AuthError, AuthErrorKind, AuthErrorResponse, ErrorFormat, KeyLocation, KeyLocations, Scopes,
};

const INVALID_TOKEN: &str = r#"Bearer realm="R", error="invalid_token", error_description="The access token is invalid or expired""#;
const INVALID_REQUEST: &str = r#"Bearer realm="R", error="invalid_request""#;
const BARE: &str = r#"Bearer realm="R""#;

fn scopes(text: &str) -> Scopes {
    text.parse().unwrap()
}

fn custom(error: &AuthError) -> (HeaderValue, Bytes) {
    let text = HeaderValue::from_static("text/plain");
    (text, format!("{:?}", error.kind()).into())
}

const FORMATS: [ErrorFormat; 6] = [
    ErrorFormat::Json,
    ErrorFormat::OpenAi,
    ErrorFormat::Anthropic,
    ErrorFormat::Problem,
    ErrorFormat::Empty,
    ErrorFormat::Custom(custom),
];

fn every_error() -> Vec<(AuthError, u16, Option<&'static str>, &'static str)> {
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

/// Returns the errors about a token.
fn bad_tokens() -> impl Iterator<Item = AuthError> {
    let all = every_error().into_iter();
    all.filter(|(_, _, challenge, _)| *challenge == Some(INVALID_TOKEN))
        .map(|(error, ..)| error)
}

fn error_response() -> AuthErrorResponse {
    AuthErrorResponse::new("R").unwrap()
}

fn answer(error_response: &AuthErrorResponse, error: &AuthError) -> Response<Bytes> {
    error_response.response(error, &Method::POST, Version::HTTP_11, &HeaderMap::new())
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
fn error_has_status_challenge_and_reason() {
    for (error, status, challenge, reason) in every_error() {
        let response = answer(&error_response(), &error);
        assert_eq!(response.status(), status, "{reason}");
        assert_eq!(error.status(), status, "{reason}");
        assert_eq!(error.reason(), reason);
        assert_eq!(challenges(&response), Vec::from_iter(challenge), "{reason}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{reason}");
        assert_eq!(response.extensions().get(), Some(&error), "{reason}");
        let retry_after = response.headers().get("retry-after");
        assert_eq!(retry_after.is_some(), status == 503, "{reason}");
    }
}

#[test]
fn nothing_presented_needs_bare_challenge() {
    for (error, _, challenge, reason) in every_error() {
        assert_eq!(
            error.nothing_presented(),
            challenge == Some(BARE),
            "{reason}"
        );
    }
}

#[test]
fn token_errors_have_equal_responses() {
    for format in FORMATS {
        let locations = KeyLocations::new([KeyLocation::Bearer, KeyLocation::Basic]).unwrap();
        let error_response = error_response().format(format).locations(&locations);
        for (method, headers) in [
            (Method::POST, HeaderMap::new()),
            (Method::HEAD, HeaderMap::new()),
            (Method::POST, grpc("application/grpc")),
        ] {
            let answers: Vec<_> = bad_tokens()
                .map(|error| error_response.response(&error, &method, Version::HTTP_2, &headers))
                .map(|response| {
                    // In the order in which the server sends them.
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
fn grpc_client_gets_grpc_status() {
    for (error, status, challenge, reason) in every_error() {
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
            let response = error_response().response(
                &error,
                &Method::POST,
                Version::HTTP_2,
                &grpc(content_type),
            );
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
            assert_eq!(response.extensions().get(), Some(&error));
        }
        for content_type in [
            "application/grpc-web+proto",
            "application/grpcx",
            "text/plain",
        ] {
            let response = error_response().response(
                &error,
                &Method::POST,
                Version::HTTP_2,
                &grpc(content_type),
            );
            assert_eq!(response.status(), status, "{content_type}");
        }
    }
}

#[test]
fn retry_after_is_rounded_up_to_seconds() {
    for (wait, seconds) in [
        (Duration::ZERO, "1"),
        (Duration::from_millis(1), "1"),
        (Duration::from_secs(1), "1"),
        (Duration::from_millis(1001), "2"),
        (Duration::MAX, "18446744073709551615"),
    ] {
        let error = AuthError::unavailable(wait);
        let response = answer(&error_response(), &error);
        assert_eq!(response.headers()["retry-after"], seconds, "{wait:?}");
    }
}
