//! Extractors: a handler's argument says who may call it.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::auth_error::{AuthError, AuthErrorKind, AuthErrorResponse};
use super::principal::{KeyPrincipal, Principal};

/// The client with a valid key, as an argument of an axum handler.
///
/// Where a route lets anonymous callers through, they are refused by this argument; `Option<Auth>` takes them,
/// as `None`. Without the layer, both answer 500 and say so in the log: nobody has looked at a key.
#[derive(Clone, Debug)]
pub struct Auth(pub KeyPrincipal);

impl<S: Sync> FromRequestParts<S> for Auth {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        match parts.extensions.get() {
            Some(Principal::Key(principal)) => Ok(Self(principal.clone())),
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
            Some(principal) => Ok(Principal::key(principal).cloned().map(Self)),
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
            .cloned()
            .ok_or_else(|| no_layer(parts))
    }
}

fn no_layer(parts: &Parts) -> Response {
    tracing::error!(
        "a handler asks who is calling, and no `RequireKeyLayer` layer has looked: refused"
    );
    reject(&AuthErrorResponse::default(), AuthErrorKind::NoLayer, parts)
}

/// Responds with the error in the default format, in JSON and for the realm `api`.
///
/// The error does not know the request. For a realm and a format of your own, and for gRPC clients, call
/// [`AuthErrorResponse::response`] instead.
impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let response =
            AuthErrorResponse::default().response(&self, &Method::GET, &HeaderMap::new());
        response.map(axum::body::Body::from)
    }
}

fn reject(error_response: &AuthErrorResponse, kind: AuthErrorKind, parts: &Parts) -> Response {
    let response = error_response.response(&kind.into(), &parts.method, &parts.headers);
    response.map(axum::body::Body::from)
}
