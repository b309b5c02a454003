//! The answer to a refused request.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Method, Response};

use super::challenge::Challenges;
use super::error::AuthError;
use super::format::ErrorFormat;
use super::kind::ErrorClass;
use crate::grpc;
use crate::grpc::Protocol;
use crate::inbound::config_error::ConfigError;
use crate::inbound::location::KeyLocations;

/// Answers requests that are refused.
///
/// | | status | `WWW-Authenticate` |
/// |---|---|---|
/// | nothing presented | 401 | `Bearer realm="…"` |
/// | anything wrong with the token | 401 | the same with `error="invalid_token"` and a fixed description |
/// | two tokens, or one slot twice | 400 | the same with `error="invalid_request"` |
/// | a scope is missing | 403 | the same with `error="insufficient_scope"` and `scope` |
/// | not allowed | 403 | |
/// | keys cannot be checked | 503, with `Retry-After` | |
/// | no layer | 500 | |
///
/// What is wrong with a token cannot be told from the answer: status, headers and body are the same, byte for byte. The
/// [`AuthError`] itself goes along in the response's extensions, for an audit log. No answer is kept by caches.
/// Answers to `HEAD` have the same headers and no body; those to gRPC have status 200 and `grpc-status`.
///
/// ```
/// use http::{HeaderMap, Method};
/// use tower_rotating_auth::inbound::{AuthError, AuthErrorKind, AuthErrorResponse, ErrorFormat};
///
/// let error_response = AuthErrorResponse::new("llm-gateway")?.format(ErrorFormat::OpenAi);
/// let error = AuthError::from(AuthErrorKind::Expired);
/// let response = error_response.response(&error, &Method::POST, &HeaderMap::new());
/// assert_eq!(response.status(), 401);
/// assert_eq!(
///     response.headers()["www-authenticate"],
///     r#"Bearer realm="llm-gateway", error="invalid_token", error_description="The access token is invalid or expired""#,
/// );
/// assert_eq!(response.extensions().get(), Some(&error));
/// # Ok::<_, tower_rotating_auth::inbound::ConfigError>(())
/// ```
///
/// The realm of the default one is `api`.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AuthErrorResponse {
    challenges: Challenges,
    format: ErrorFormat,
}

impl AuthErrorResponse {
    /// Answers with challenges of this realm, a name for what the keys protect.
    ///
    /// # Errors
    ///
    /// When the realm is blank, or not visible ASCII and spaces.
    pub fn new(realm: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            challenges: Challenges::new(realm)?,
            format: ErrorFormat::default(),
        })
    }

    /// Sets what bodies look like.
    pub const fn format(mut self, format: ErrorFormat) -> Self {
        self.format = format;
        self
    }

    /// Asks for what these slots read: `Basic`, too, if it is among them. There is no registered scheme for key headers,
    /// which clients know about already.
    pub fn locations(mut self, locations: &KeyLocations) -> Self {
        self.challenges = self.challenges.locations(locations);
        self
    }

    /// Tells clients where the metadata of the resource is
    /// ([RFC 9728 §5.1](https://www.rfc-editor.org/rfc/rfc9728#section-5.1)), as MCP clients want it.
    ///
    /// # Errors
    ///
    /// When it is not an absolute URL of the web, in ASCII and without a fragment.
    pub fn resource_metadata(mut self, url: &str) -> Result<Self, ConfigError> {
        self.challenges = self.challenges.resource_metadata(url)?;
        Ok(self)
    }

    /// The answer to a request with this method and these headers.
    #[must_use]
    pub fn response(
        &self,
        error: &AuthError,
        method: &Method,
        request_headers: &HeaderMap,
    ) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for challenge in self.challenges.of(error) {
            headers.append(WWW_AUTHENTICATE, challenge);
        }
        if let Some(retry_after) = error.retry_after() {
            headers.insert(RETRY_AFTER, whole_seconds(retry_after).into());
        }
        // A gRPC-Web client gets a status of HTTP: across origins, a browser hides `grpc-status` from it.
        if method == Method::POST && grpc::protocol(request_headers) == Some(Protocol::Grpc) {
            answer_grpc(error, headers);
        } else {
            self.answer(error, method, &mut response);
        }
        response.extensions_mut().insert(error.clone());
        response
    }

    fn answer(&self, error: &AuthError, method: &Method, response: &mut Response<Bytes>) {
        *response.status_mut() = error.status();
        let (content_type, body) = self.format.body(error).unzip();
        let body = body.unwrap_or_default();
        let headers = response.headers_mut();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        headers.insert(CONTENT_LENGTH, body.len().into());
        if method != Method::HEAD {
            *response.body_mut() = body;
        }
    }
}

/// All of gRPC's answer is in its headers ([`Trailers-Only`](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses)).
fn answer_grpc(error: &AuthError, headers: &mut HeaderMap) {
    let status = match error.kind().class() {
        ErrorClass::NothingPresented | ErrorClass::InvalidToken => "16", // UNAUTHENTICATED
        ErrorClass::InsufficientScope | ErrorClass::Forbidden => "7",    // PERMISSION_DENIED
        ErrorClass::InvalidRequest => "3",                               // INVALID_ARGUMENT
        ErrorClass::Unavailable => "14",                                 // UNAVAILABLE
        ErrorClass::Internal => "13",                                    // INTERNAL
    };
    let message = error.kind().class().message();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from_static(status));
    headers.insert("grpc-message", HeaderValue::from_static(message));
}

/// Rounded up, and never none: who asks at once helps nobody.
fn whole_seconds(time: Duration) -> u64 {
    let part = u64::from(time.subsec_nanos() > 0);
    time.as_secs().saturating_add(part).max(1)
}
