//! Extractors and responses for axum.

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method, Version};

use super::auth_error::{AuthError, AuthErrorKind, AuthErrorResponse};
use super::key::Scopes;
use super::principal::{KeyPrincipal, Principal};
use super::refusal::{Refusals, RequestHead};
use super::require_key::matched_template;
use super::requirement::Requirement;

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
            Some(Principal::Anonymous(anonymous)) => Err(refuse(
                anonymous.refusals(),
                &AuthErrorKind::Missing.into(),
                parts,
            )),
            // The layer checks no keys, and so reports nothing.
            Some(Principal::Open) => Err(reject(AuthErrorKind::Missing, parts)),
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

/// The requirement of a [`Scoped`] extractor.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use axum::routing::post;
/// use tower_rotating_auth::inbound::{Require, RequireKeyLayer, Scoped};
/// # use tower_rotating_auth::{Rotating, inbound::KeySet};
///
/// struct ChatWrite;
///
/// impl Require for ChatWrite {
///     const SCOPES: &'static str = "chat:write";
/// }
///
/// async fn chat(Scoped(key, _): Scoped<ChatWrite>) -> String {
///     format!("hello, {}", key.client())
/// }
///
/// # let (keys, _publisher) = Rotating::manual(KeySet::empty());
/// let app: Router = Router::new()
///     .route("/chat", post(chat))
///     .layer(RequireKeyLayer::new(keys));
/// # drop(app);
/// ```
pub trait Require {
    /// The scopes that the handler requires, with spaces between them.
    const SCOPES: &'static str;
}

/// An axum extractor for a client whose key has the scopes that `R` names.
///
/// A key that lacks one of them gets 403 with these scopes, and a client without a key 401.
/// [`RequireScopesLayer`](crate::inbound::RequireScopesLayer) does the same for a route without its
/// handler. Text that is no list of scopes in `R` is a mistake in the program: the response is 500.
#[derive(Debug)]
pub struct Scoped<R>(pub KeyPrincipal, pub PhantomData<R>);

impl<R> Clone for Scoped<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<R: Require, S: Sync> FromRequestParts<S> for Scoped<R> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let auth = <Auth as FromRequestParts<S>>::from_request_parts(parts, state);
        let Auth(key) = auth.await?;
        let Ok(scopes) = R::SCOPES.parse::<Scopes>() else {
            let scopes = R::SCOPES;
            tracing::error!(scopes, "500: a handler requires what is no list of scopes");
            return Err(reject(AuthErrorKind::NoLayer, parts));
        };
        let requirement = Requirement::from(scopes);
        match requirement.check(key.identity().record()) {
            Ok(()) => Ok(Self(key, PhantomData)),
            Err(error) => Err(refuse(&key.authenticator().refusals, &error, parts)),
        }
    }
}

fn no_layer(parts: &Parts) -> Response {
    tracing::error!(
        "500: no layer has checked this request; add a `RequireKeyLayer` around the route, which must \
         not be public in its policy"
    );
    reject(AuthErrorKind::NoLayer, parts)
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

/// Reports a refused request, and returns the response of its layer.
fn refuse(refusals: &Refusals, error: &AuthError, parts: &Parts) -> Response {
    let head = RequestHead {
        method: &parts.method,
        version: parts.version,
        uri: &parts.uri,
        headers: &parts.headers,
        extensions: &parts.extensions,
        template: matched_template(&parts.extensions),
    };
    refusals.refuse(error, head).map(axum::body::Body::from)
}

/// Returns a response that no layer reports.
fn reject(kind: AuthErrorKind, parts: &Parts) -> Response {
    let (method, version) = (&parts.method, parts.version);
    let response =
        AuthErrorResponse::default().response(&kind.into(), method, version, &parts.headers);
    response.map(axum::body::Body::from)
}
