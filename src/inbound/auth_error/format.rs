//! The bodies of error responses.

use bytes::Bytes;
use http::HeaderValue;

use super::challenge::INVALID_TOKEN;
use super::error::AuthError;
use super::kind::ErrorClass;

/// The format of the body of an error response.
///
/// The body is the same for everything that can be wrong with a token. It contains nothing of the
/// request.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub enum ErrorFormat {
    /// JSON: `{"error":"…","message":"…"}`. This is the default.
    #[default]
    Json,
    /// The JSON of OpenAI's API: `{"error":{"message":"…","type":"…","param":null,"code":"…"}}`.
    OpenAi,
    /// The JSON of Anthropic's API: `{"type":"error","error":{"type":"…","message":"…"}}`.
    Anthropic,
    /// A problem document, `application/problem+json` ([RFC
    /// 9457](https://www.rfc-editor.org/rfc/rfc9457)).
    Problem,
    /// No body and no `Content-Type`.
    Empty,
    /// A content type and a body of your own.
    ///
    /// The function runs once for each error response. It gets the error as the client may know it:
    /// everything that is wrong with a token is
    /// [`Unknown`](crate::inbound::AuthErrorKind::Unknown), and a request without a key is
    /// [`Missing`](crate::inbound::AuthErrorKind::Missing). A request with several keys is
    /// [`Duplicate`](crate::inbound::AuthErrorKind::Duplicate).
    Custom(fn(&AuthError) -> (HeaderValue, Bytes)),
}

impl ErrorFormat {
    pub(crate) fn body(self, error: &AuthError) -> Option<(HeaderValue, Bytes)> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

        let class = error.kind().class();
        let message = class.message();
        let (content_type, text) = match self {
            Self::Json => {
                let code = class.code();
                let text = format!(r#"{{"error":"{code}","message":"{message}"}}"#);
                (JSON, text)
            }
            Self::OpenAi => {
                let (of, code) = class.open_ai();
                let text = format!(
                    r#"{{"error":{{"message":"{message}","type":"{of}","param":null,"code":{code}}}}}"#
                );
                (JSON, text)
            }
            Self::Anthropic => {
                let of = class.anthropic();
                let text = format!(
                    r#"{{"type":"error","error":{{"type":"{of}","message":"{message}"}}}}"#
                );
                (JSON, text)
            }
            Self::Problem => {
                let status = error.status();
                let title = status.canonical_reason().unwrap_or_default();
                let status = status.as_u16();
                let text = format!(
                    r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{message}"}}"#
                );
                (PROBLEM, text)
            }
            Self::Empty => return None,
            Self::Custom(body) => return Some(body(&error.disclosed())),
        };
        Some((content_type, text.into()))
    }
}

impl ErrorClass {
    /// Returns a message for people. No character of it needs an escape in JSON or in gRPC.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::NothingPresented => "This request needs a key",
            Self::InvalidToken => INVALID_TOKEN,
            Self::InvalidRequest => "A request presents one key, in one place",
            Self::InsufficientScope => "The key does not allow this",
            Self::Forbidden => "This is not allowed",
            Self::Unavailable => "Keys cannot be checked at present",
            Self::Internal => "The server has an error",
        }
    }

    /// Returns the code of [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)
    /// where it has one.
    const fn code(self) -> &'static str {
        match self {
            Self::NothingPresented => "unauthorized",
            Self::InvalidToken => "invalid_token",
            Self::InvalidRequest => "invalid_request",
            Self::InsufficientScope => "insufficient_scope",
            Self::Forbidden => "forbidden",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// Returns the type and the code, as JSON.
    const fn open_ai(self) -> (&'static str, &'static str) {
        match self {
            Self::NothingPresented | Self::InvalidRequest => ("invalid_request_error", "null"),
            Self::InvalidToken => ("invalid_request_error", r#""invalid_api_key""#),
            Self::InsufficientScope => ("invalid_request_error", r#""insufficient_scope""#),
            Self::Forbidden => ("invalid_request_error", r#""forbidden""#),
            Self::Unavailable | Self::Internal => ("server_error", "null"),
        }
    }

    const fn anthropic(self) -> &'static str {
        match self {
            Self::NothingPresented | Self::InvalidToken => "authentication_error",
            Self::InvalidRequest => "invalid_request_error",
            Self::InsufficientScope | Self::Forbidden => "permission_error",
            Self::Unavailable | Self::Internal => "api_error",
        }
    }
}
