//! Extractors: a handler's argument says who may call it.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use super::auth_error::AuthError;
use super::auth_error::AuthErrorResponse;
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
            Some(Principal::Anonymous(anonymous)) => {
                Err(refuse(anonymous.refuser(), &AuthError::Missing, parts))
            }
            Some(Principal::Open) => Err(refuse(
                &AuthErrorResponse::default(),
                &AuthError::Missing,
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
    refuse(&AuthErrorResponse::default(), &AuthError::NoLayer, parts)
}

fn refuse(refuser: &AuthErrorResponse, refusal: &AuthError, parts: &Parts) -> Response {
    let response = refuser.response(refusal, &parts.method, &parts.headers);
    response.map(axum::body::Body::from).into_response()
}
