//! Error responses of the gateway itself, in the format of an OpenAI-compatible API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

/// Why the gateway answers a request itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The path is invalid, or would leave the upstream's base URL.
    Path,
    /// The gateway does not forward this method.
    Method,
    /// The client went silent in the middle of its upload.
    UploadSilent,
    /// The client's upload ended early.
    UploadBroken,
    /// The upstream rejects the gateway's key.
    Unauthorized,
    /// The upstream could not be reached, or closed the connection.
    Unreachable,
    /// The upstream was silent for longer than its timeout.
    Silent,
}

impl Problem {
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Path => (
                StatusCode::BAD_REQUEST,
                "invalid_path",
                "The path is not forwarded, because it is invalid or contains a `.` or `..` segment.",
            ),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "The gateway does not support this method.",
            ),
            Self::UploadSilent => (
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                "The rest of the request body did not arrive in time.",
            ),
            Self::UploadBroken => (
                StatusCode::BAD_REQUEST,
                "invalid_body",
                "The request body ended early.",
            ),
            Self::Unauthorized => (
                StatusCode::BAD_GATEWAY,
                "upstream_unauthorized",
                "The upstream rejects the gateway's key. Your own key is valid.",
            ),
            Self::Unreachable => (
                StatusCode::BAD_GATEWAY,
                "upstream_unreachable",
                "The upstream could not be reached, or closed the connection before it answered.",
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
        let (status, code, message) = self.parts();
        let kind = if status.is_client_error() {
            "invalid_request_error"
        } else {
            "server_error"
        };
        let error = json!({ "message": message, "type": kind, "param": null, "code": code });
        (status, Json(json!({ "error": error }))).into_response()
    }
}
