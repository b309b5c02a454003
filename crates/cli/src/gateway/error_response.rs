//! Error responses of the gateway itself, in the format of an OpenAI-compatible API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{ALLOW, RETRY_AFTER};
use serde_json::json;

/// The methods that servers know, all of which the gateway forwards without `OPTIONS`.
const FORWARDED: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// The reason why the gateway answers a request itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The path is invalid, or would leave the upstream's base URL.
    Path,
    /// The gateway has not read its keys yet.
    Waiting,
    /// No upstream serves the path.
    NoUpstream,
    /// The route does not have this method. Whoever answers adds `Allow`.
    Method,
    /// No CORS layer has answered the preflight.
    Preflight,
    /// The gateway knows no such method: CONNECT, one with small letters, or a long one.
    UnknownMethod,
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
    /// The upstream's answer is not one to this request, or has a coding that nobody asked for.
    InvalidAnswer,
    /// The upstream did not switch to the protocol that the client asked for.
    NotSwitched,
    /// The request names no host, more than one, or an invalid one.
    Host,
    /// The request has come back to this gateway.
    Loop,
    /// The request needs another protocol, and has a body or is for a protocol of the gateway
    /// itself.
    Upgrade,
    /// The body has a transfer coding that the gateway does not know.
    TransferCoding,
    /// The head has too many fields.
    HeadTooLarge,
    /// The client has as many requests open as it may.
    ClientBusy,
    /// The gateway has as many requests open as it may.
    Busy,
    /// The request does not come from this machine, in development mode.
    Foreign,
}

impl Problem {
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Path => (
                StatusCode::BAD_REQUEST,
                "invalid_path",
                "The path is not forwarded, because it is invalid or contains a `.` or `..` segment.",
            ),
            Self::Waiting => (
                StatusCode::SERVICE_UNAVAILABLE,
                "waiting_for_keys",
                "The gateway waits for its keys. Try again soon.",
            ),
            Self::NoUpstream => (
                StatusCode::NOT_FOUND,
                "no_upstream",
                "The gateway has no upstream for this path.",
            ),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This route does not support the method.",
            ),
            Self::Preflight => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "The gateway answers no CORS preflight of this origin.",
            ),
            Self::UnknownMethod => (
                StatusCode::NOT_IMPLEMENTED,
                "method_not_supported",
                "The gateway does not forward this method. Methods have capital letters, and at \
                 most 32 characters.",
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
            Self::InvalidAnswer => (
                StatusCode::BAD_GATEWAY,
                "upstream_invalid_response",
                "The upstream's response is not a valid one to this request.",
            ),
            Self::NotSwitched => (
                StatusCode::BAD_GATEWAY,
                "upstream_not_switched",
                "The upstream did not switch to the protocol that was asked for.",
            ),
            Self::Host => (
                StatusCode::BAD_REQUEST,
                "invalid_host",
                "The request must name one valid host.",
            ),
            Self::Loop => (
                StatusCode::LOOP_DETECTED,
                "loop_detected",
                "The request has come back to this gateway: its upstream leads here.",
            ),
            Self::Upgrade => (
                StatusCode::NOT_IMPLEMENTED,
                "upgrade_not_supported",
                "The gateway does not forward this upgrade to another protocol, or none with a body.",
            ),
            Self::TransferCoding => (
                StatusCode::NOT_IMPLEMENTED,
                "transfer_coding_not_supported",
                "The gateway knows no transfer coding but chunked.",
            ),
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head_too_large",
                "The request has too many header fields.",
            ),
            Self::ClientBusy => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                "You have too many requests open. Try again when one has ended.",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "The gateway has too many requests open. Try again soon.",
            ),
            Self::Foreign => (
                StatusCode::FORBIDDEN,
                "not_local",
                "In development mode, the gateway serves this machine alone, by a loopback name and \
                 to no page of another site.",
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
        let header = match self {
            Self::ClientBusy | Self::Busy | Self::Waiting => Some((RETRY_AFTER, "1")),
            Self::Preflight => Some((ALLOW, FORWARDED)),
            _ => None,
        };
        let error = json!({ "message": message, "type": kind, "param": null, "code": code });
        let error = Json(json!({ "error": error }));
        match header {
            Some(header) => (status, [header], error).into_response(),
            None => (status, error).into_response(),
        }
    }
}
