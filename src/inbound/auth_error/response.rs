//! The response to a refused request.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Method, Response, Version};

use super::challenge::{Challenges, Realm};
use super::error::AuthError;
use super::format::ErrorFormat;
use super::kind::ErrorClass;
use crate::inbound::config_error::ConfigError;
use crate::inbound::key::Scopes;
use crate::inbound::location::KeyLocations;
use crate::syntax::grpc;
use crate::syntax::grpc::Protocol;

/// The builder of error responses.
///
/// | error | status | `WWW-Authenticate` |
/// |---|---|---|
/// | no key in the request | 401 | `Bearer realm="…"` |
/// | anything wrong with the token | 401 | adds `error="invalid_token"` and a fixed description |
/// | two tokens, or one location twice | 400 | adds `error="invalid_request"` |
/// | a scope is missing | 403 | adds `error="insufficient_scope"` and `scope` |
/// | not allowed | 403 | |
/// | keys cannot be checked | 503, with `Retry-After` | |
/// | no layer | 500 | |
///
/// A client cannot tell from the response what is wrong with its token: status, headers and body
/// are the same, byte for byte. The response's extensions hold the [`AuthError`] for an audit log.
///
/// Caches do not store the responses. A response to `HEAD` has the same headers and no body. A gRPC
/// client gets status 200 and a `grpc-status`, over HTTP/2 only.
///
/// # Examples
///
/// ```
/// use http::{HeaderMap, Method, Version};
/// use tower_rotating_auth::inbound::{AuthError, AuthErrorKind, AuthErrorResponse, ErrorFormat};
///
/// let error_response = AuthErrorResponse::new("llm-gateway")?.format(ErrorFormat::OpenAi);
/// let error = AuthError::from(AuthErrorKind::Expired);
/// let response =
///     error_response.response(&error, &Method::POST, Version::HTTP_11, &HeaderMap::new());
/// assert_eq!(response.status(), 401);
/// assert_eq!(
///     response.headers()["www-authenticate"],
///     r#"Bearer realm="llm-gateway", error="invalid_token", error_description="The access token is invalid or expired""#,
/// );
/// assert_eq!(response.extensions().get(), Some(&error));
/// # Ok::<_, tower_rotating_auth::inbound::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AuthErrorResponse {
    challenges: Challenges,
    format: ErrorFormat,
}

impl AuthErrorResponse {
    /// Creates responses for this realm, a name for what the keys protect.
    ///
    /// The realm of [`AuthErrorResponse::default`] is `api`.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`InvalidRealm`](crate::inbound::ConfigErrorKind::InvalidRealm) if
    /// the realm is blank, or has other characters than visible ASCII and spaces.
    pub fn new(realm: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            challenges: Challenges::new(Realm::new(realm)?),
            format: ErrorFormat::default(),
        })
    }

    /// Sets the realm of the challenges. Everything else stays as it is.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`InvalidRealm`](crate::inbound::ConfigErrorKind::InvalidRealm) if
    /// the realm is blank, or has other characters than visible ASCII and spaces.
    pub fn realm(self, realm: &str) -> Result<Self, ConfigError> {
        Ok(self.with_realm(Realm::new(realm)?))
    }

    pub(crate) fn with_realm(mut self, realm: Realm) -> Self {
        self.challenges = self.challenges.realm(realm);
        self
    }

    /// Sets the format of bodies. Defaults to [`ErrorFormat::Json`].
    pub const fn format(mut self, format: ErrorFormat) -> Self {
        self.format = format;
        self
    }

    /// Adapts the challenges to these locations: asks for `Basic`, too, if it is among them.
    ///
    /// Headers such as `x-api-key` have no registered scheme, and so no challenge.
    pub fn locations(mut self, locations: &KeyLocations) -> Self {
        self.challenges = self.challenges.locations(locations);
        self
    }

    /// Adds the URL of the resource metadata to challenges, for MCP clients
    /// ([RFC 9728 §5.1](https://www.rfc-editor.org/rfc/rfc9728#section-5.1)).
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    /// [`InvalidMetadataUrl`](crate::inbound::ConfigErrorKind::InvalidMetadataUrl) if the URL is
    /// not an absolute `http` or `https` URL in ASCII, or has a fragment, a user or a password.
    pub fn resource_metadata(mut self, url: &str) -> Result<Self, ConfigError> {
        self.challenges = self.challenges.resource_metadata(url)?;
        Ok(self)
    }

    /// Adds `scope` to the challenges of a 401: what a client should ask for, as MCP clients do
    /// ([RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750#section-3)). Defaults to none.
    ///
    /// A 403 names the scopes of its own operation, whatever is set here.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{HeaderMap, Method, Version};
    /// use tower_rotating_auth::inbound::{AuthErrorKind, AuthErrorResponse};
    ///
    /// let responses = AuthErrorResponse::default().scopes("chat:write models:read".parse()?);
    /// let (error, headers) = (AuthErrorKind::Missing.into(), HeaderMap::new());
    /// let response = responses.response(&error, &Method::GET, Version::HTTP_11, &headers);
    /// assert_eq!(
    ///     response.headers()["www-authenticate"],
    ///     r#"Bearer realm="api", scope="chat:write models:read""#,
    /// );
    /// # Ok::<_, tower_rotating_auth::ParseError>(())
    /// ```
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.challenges = self.challenges.scopes(scopes);
        self
    }

    /// Returns the response to a request with this method, version and headers.
    #[must_use]
    pub fn response(
        &self,
        error: &AuthError,
        method: &Method,
        version: Version,
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
        // A gRPC-Web client gets an HTTP status: across origins, a browser hides `grpc-status` from
        // it. And gRPC needs HTTP/2: on HTTP/1, a client could choose a status of 200 for itself.
        let is_call = method == Method::POST && version >= Version::HTTP_2;
        if is_call && grpc::protocol(request_headers) == Some(Protocol::Grpc) {
            write_grpc(error, headers);
        } else {
            self.write_http(error, method, &mut response);
        }
        response.extensions_mut().insert(error.clone());
        response
    }

    fn write_http(&self, error: &AuthError, method: &Method, response: &mut Response<Bytes>) {
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

/// Writes a gRPC response, which consists of headers only
/// ([`Trailers-Only`](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses)).
fn write_grpc(error: &AuthError, headers: &mut HeaderMap) {
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

/// Rounds up to whole seconds, and to at least one, so that no client tries again at once.
fn whole_seconds(time: Duration) -> u64 {
    let part = u64::from(time.subsec_nanos() > 0);
    time.as_secs().saturating_add(part).max(1)
}
