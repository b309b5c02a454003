//! The gateway's own answers, in the shape that clients of an OpenAI-compatible API expect.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

/// Why the gateway answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The path would leave the upstream's base, or is none.
    Path,
    /// A method that is not forwarded.
    Method,
    /// The client stopped sending in the middle of its request.
    UploadSilent,
    /// The client's upload broke off.
    UploadBroken,
    /// The upstream does not take the gateway's key.
    Unauthorized,
    /// No answer came from the upstream.
    Unreachable,
    /// The upstream was silent for too long.
    Silent,
}

impl Problem {
    const fn says(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Path => (
                StatusCode::BAD_REQUEST,
                "invalid_path",
                "This path is not forwarded: it has a `.` or `..` in it, or is no path.",
            ),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This method is not served here.",
            ),
            Self::UploadSilent => (
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "The rest of the request body did not come in time.",
            ),
            Self::UploadBroken => (
                StatusCode::BAD_REQUEST,
                "invalid_body",
                "The request body broke off.",
            ),
            Self::Unauthorized => (
                StatusCode::BAD_GATEWAY,
                "upstream_unauthorized",
                "The upstream does not accept this gateway's key. Your own key is not at fault.",
            ),
            Self::Unreachable => (
                StatusCode::BAD_GATEWAY,
                "upstream_unreachable",
                "The upstream could not be reached, or hung up before it answered.",
            ),
            Self::Silent => (
                StatusCode::GATEWAY_TIMEOUT,
                "upstream_timeout",
                "The upstream did not answer in time.",
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, message) = self.says();
        let kind = if status.is_client_error() {
            "invalid_request_error"
        } else {
            "server_error"
        };
        let error = json!({ "message": message, "type": kind, "param": null, "code": code });
        (status, Json(json!({ "error": error }))).into_response()
    }
}
