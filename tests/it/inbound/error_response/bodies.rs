//! Tests of the bodies of error responses.

use bytes::Bytes;
use http::{HeaderMap, Method, Response, Version};
use serde_json::{Value, json};
use tower_rotating_auth::inbound::{AuthErrorKind, ErrorFormat};

use super::{FORMATS, answer, bad_tokens, custom, error_response, every_error};

#[test]
fn custom_body_sees_only_disclosed_error() {
    let error_response = error_response().format(ErrorFormat::Custom(custom));
    for (error, ..) in every_error() {
        let known = match error.kind() {
            AuthErrorKind::UnsupportedScheme | AuthErrorKind::Empty => AuthErrorKind::Missing,
            AuthErrorKind::Conflict => AuthErrorKind::Duplicate,
            bad if bad_tokens().any(|token| token.kind() == bad) => AuthErrorKind::Unknown,
            other => other,
        };
        let response = answer(&error_response, &error);
        assert_eq!(response.headers()["content-type"], "text/plain");
        assert_eq!(*response.body(), format!("{known:?}"));
    }
}

#[test]
fn bodies_have_documented_shape() {
    type Shape = fn(&Value, &Response<Bytes>) -> bool;
    let shapes: [(ErrorFormat, &str, Shape); 4] = [
        (ErrorFormat::Json, "application/json", |body, _| {
            body["error"].is_string() && body["message"].is_string()
        }),
        (ErrorFormat::OpenAi, "application/json", |body, _| {
            let error = &body["error"];
            error["message"].is_string()
                && error["type"].is_string()
                && error.get("param") == Some(&Value::Null)
                && (error["code"].is_string() || error.get("code") == Some(&Value::Null))
        }),
        (ErrorFormat::Anthropic, "application/json", |body, _| {
            body["type"] == "error"
                && body["error"]["type"].is_string()
                && body["error"]["message"].is_string()
        }),
        (
            ErrorFormat::Problem,
            "application/problem+json",
            |body, response| {
                body["type"] == "about:blank"
                    && body["title"] == response.status().canonical_reason().unwrap()
                    && body["status"] == response.status().as_u16()
                    && body["detail"].is_string()
            },
        ),
    ];
    for (format, content_type, has_shape) in shapes {
        let error_response = error_response().format(format);
        for (error, ..) in every_error() {
            let response = answer(&error_response, &error);
            assert_eq!(response.headers()["content-type"], content_type);
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            assert!(has_shape(&body, &response), "{format:?} {error:?}: {body}");
        }
    }
    let openai = error_response().format(ErrorFormat::OpenAi);
    let body: Value =
        serde_json::from_slice(answer(&openai, &AuthErrorKind::Revoked.into()).body()).unwrap();
    let expected = json!({"error": {
        "message": "The access token is invalid or expired",
        "type": "invalid_request_error",
        "param": null,
        "code": "invalid_api_key",
    }});
    assert_eq!(body, expected);

    let empty = answer(
        &error_response().format(ErrorFormat::Empty),
        &AuthErrorKind::Missing.into(),
    );
    assert!(empty.body().is_empty());
    assert_eq!(empty.headers()["content-length"], "0");
    assert!(!empty.headers().contains_key("content-type"));
}

#[test]
fn head_response_has_headers_but_no_body() {
    for format in FORMATS {
        let error_response = error_response().format(format);
        for (error, ..) in every_error() {
            let post = answer(&error_response, &error);
            let head =
                error_response.response(&error, &Method::HEAD, Version::HTTP_11, &HeaderMap::new());
            assert_eq!(head.status(), post.status());
            assert_eq!(head.headers(), post.headers());
            assert_eq!(
                head.headers()["content-length"],
                post.body().len().to_string()
            );
            assert!(head.body().is_empty());
        }
    }
}
