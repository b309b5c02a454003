//! Extractors and responses for axum.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method, Version};

use super::auth_error::{AuthError, AuthErrorKind, AuthErrorResponse};
use super::principal::{KeyPrincipal, Principal};

/// An axum extractor for a client with a valid key.
///
/// On a route where a key is optional, `Auth` rejects anonymous clients; `Option<Auth>` is `None`
/// for them. Without a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer) around the route, both
/// respond with status 500 and log an error.
#[derive(Clone, Debug)]
pub struct Auth(pub KeyPrincipal);

impl<S: Sync> FromRequestParts<S> for Auth {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        match parts.extensions.get() {
            Some(Principal::Key(principal)) => Ok(Self(principal.without_hidden())),
            Some(Principal::Anonymous(anonymous)) => Err(reject(
                anonymous.error_response(),
                AuthErrorKind::Missing,
                parts,
            )),
            Some(Principal::Open) => Err(reject(
                &AuthErrorResponse::default(),
                AuthErrorKind::Missing,
                parts,
            )),
            None => Err(no_layer(parts)),
        }
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Auth {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Response> {
        match parts.extensions.get() {
            Some(principal) => Ok(Principal::key(principal).map(|key| Self(key.without_hidden()))),
            None => Err(no_layer(parts)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts
            .extensions
            .get()
            .map(Self::without_hidden)
            .ok_or_else(|| no_layer(parts))
    }
}

fn no_layer(parts: &Parts) -> Response {
    tracing::error!(
        "500: no layer has checked this request; add a `RequireKeyLayer` around the route, which must \
         not be public in its policy"
    );
    reject(&AuthErrorResponse::default(), AuthErrorKind::NoLayer, parts)
}

/// Converts an error into the default response: JSON, and the realm `api`.
///
/// The error does not know the request. Call [`AuthErrorResponse::response`] instead to set the
/// realm or the format, or to serve gRPC clients.
impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let (method, version) = (&Method::GET, Version::HTTP_11);
        let response =
            AuthErrorResponse::default().response(&self, method, version, &HeaderMap::new());
        response.map(axum::body::Body::from)
    }
}

fn reject(error_response: &AuthErrorResponse, kind: AuthErrorKind, parts: &Parts) -> Response {
    let (method, version) = (&parts.method, parts.version);
    let response = error_response.response(&kind.into(), method, version, &parts.headers);
    response.map(axum::body::Body::from)
}
