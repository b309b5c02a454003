//! Bodies of refusals.

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use serde_json::{Value, json};
use tower_rotating_auth::inbound::{AuthErrorKind, ErrorFormat};

use super::{FORMATS, answer, bad_tokens, custom, every_refusal, refuser};

#[test]
fn a_body_of_your_own_is_made_from_what_the_client_may_know() {
    let refuser = refuser().format(ErrorFormat::Custom(custom));
    for (refusal, ..) in every_refusal() {
        let known = match refusal.kind() {
            AuthErrorKind::UnsupportedScheme | AuthErrorKind::Empty => AuthErrorKind::Missing,
            AuthErrorKind::Conflict => AuthErrorKind::Duplicate,
            bad if bad_tokens().any(|token| token.kind() == bad) => AuthErrorKind::Unknown,
            other => other,
        };
        let response = answer(&refuser, &refusal);
        assert_eq!(response.headers()["content-type"], "text/plain");
        assert_eq!(*response.body(), format!("{known:?}"));
    }
}

#[test]
fn each_body_has_the_shape_that_its_clients_read() {
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
        let refuser = refuser().format(format);
        for (refusal, ..) in every_refusal() {
            let response = answer(&refuser, &refusal);
            assert_eq!(response.headers()["content-type"], content_type);
            let body: Value = serde_json::from_slice(response.body()).unwrap();
            assert!(
                has_shape(&body, &response),
                "{format:?} {refusal:?}: {body}"
            );
        }
    }
    let openai = refuser().format(ErrorFormat::OpenAi);
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
        &refuser().format(ErrorFormat::Empty),
        &AuthErrorKind::Missing.into(),
    );
    assert!(empty.body().is_empty());
    assert_eq!(empty.headers()["content-length"], "0");
    assert!(!empty.headers().contains_key("content-type"));
}

#[test]
fn an_answer_to_head_has_the_headers_of_the_other_and_no_body() {
    for format in FORMATS {
        let refuser = refuser().format(format);
        for (refusal, ..) in every_refusal() {
            let post = answer(&refuser, &refusal);
            let head = refuser.response(&refusal, &Method::HEAD, &HeaderMap::new());
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
