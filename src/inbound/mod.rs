//! Middleware that accepts requests only from clients with a valid API key.
//!
//! [`RequireKeyLayer`] holds a [`KeySet`], which can be replaced while the service runs. The layer
//! reads the token of each request, looks it up in the current set, and checks the [`policy`] of
//! the route. It calls the inner service with a [`Principal`] in the request's extensions, or
//! responds with an error itself.
//!
//! # Examples
//!
//! ```
//! use http::{Request, Response};
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_rotating_auth::Rotating;
//! use tower_rotating_auth::inbound::{
//!     AuthError, AuthErrorKind, KeyDigest, KeyRecord, KeySet, Principal, RequireKeyLayer, Scopes,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let token = "8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
//! let record = KeyRecord::new("k1".parse()?, "open-webui".parse()?, Scopes::default());
//! let keys = KeySet::new([(KeyDigest::of(token.as_bytes()), record)])?;
//! let (keys, mut publisher) = Rotating::manual(keys);
//!
//! async fn greet<B>(request: Request<B>) -> Result<Response<String>, std::convert::Infallible> {
//!     let principal: &Principal = request.extensions().get().expect("the layer inserts it");
//!     let client = principal.key().expect("the route requires a key").client();
//!     Ok(Response::new(client.to_string()))
//! }
//! let service = RequireKeyLayer::new(keys).realm("llm-gateway")?.layer(service_fn(greet));
//! let request = || {
//!     Request::get("/")
//!         .header("authorization", format!("Bearer {token}"))
//!         .body(String::new())
//! };
//!
//! // A valid key reaches the inner service.
//! let response = service.clone().oneshot(request()?).await?;
//! assert_eq!(response.status(), 200);
//!
//! // The next request sees a set as soon as it is published. The key is not in this one.
//! publisher.publish(KeySet::empty());
//! let response = service.oneshot(request()?).await?;
//! assert_eq!(response.status(), 401);
//! let error: &AuthError = response.extensions().get().expect("the layer inserts it");
//! assert_eq!(error.kind(), AuthErrorKind::Unknown);
//! # Ok(())
//! # }
//! ```
//!
//! # Caveats
//!
//! - Put a CORS layer outside this layer. It then answers preflights, and its headers are on
//!   errors, too. Without one, preflights are refused, since they have no key.
//! - In axum, `layer` and `route_layer` guard only the routes that were added before. A route that
//!   is added later needs no key.
//! - The inner service sees no key from a configured location: the layer removes the content of
//!   every location, on every route. With `Bearer` or `Basic` among them, this includes a proxy's
//!   own `Authorization`.
//! - The layer looks only at the head of a request. It does not limit the size of bodies or the
//!   rate of requests.
//! - If refreshes fail for longer than [`RequireKeyLayer::max_stale`], counted from the first
//!   failure, a route that needs a key answers a well-formed one with 503. For a set that a
//!   `KeyRing` or a `Publisher` publishes, no failure is recorded.
//! - The bodies of a request and of its response end with a [`KeyEndedError`] when the key ends, for
//!   whatever reason. Other connections, such as upgraded ones, must wait for [`Principal::ended`]
//!   themselves.
//! - Expiry goes by the wall clock. If that is set back, a key that had expired is valid again.

mod auth_error;
mod authenticator;
#[cfg(feature = "axum")]
mod axum;
mod config_error;
mod connection;
pub(crate) mod entries;
mod event;
mod hooks;
mod key;
mod key_set;
mod location;
pub mod policy;
mod principal;
mod refusal;
mod require_key;
pub mod require_scopes;
mod requirement;
pub mod validate_key;
mod validator;

pub use self::auth_error::{AuthError, AuthErrorKind, AuthErrorResponse, ErrorFormat};
#[cfg(feature = "axum")]
pub use self::axum::{Auth, Require, Scoped};
pub use self::config_error::{ConfigError, ConfigErrorKind};
pub use self::connection::{
    ClientCertificate, ForwardedHeader, PeerAddr, RequestScheme, TrustedProxies,
};
pub use self::event::{Event, EventKind};
pub use self::hooks::{DisclosedKey, SecureOnly};
pub use self::key::{
    CertificateDigest, ClientId, KeyDigest, KeyId, KeyRecord, KeyStatus, Networks, Provenance,
    Role, Scope, Scopes,
};
pub(crate) use self::key::{Grants, Restrictions, RoleTable};
pub use self::key_set::{
    IntoKeySet, KeySet, KeySetError, KeySetErrorKind, KeySetSource, verify_at,
};
#[cfg(feature = "key-file")]
pub(crate) use self::key_set::{KeyFile, Unwritable};
pub use self::location::{KeyLocation, KeyLocations, Token};
pub use self::principal::{Anonymous, KeyPrincipal, Principal};
pub use self::require_key::{
    DangerouslyOpen, GuardedBody, KeyEndedError, RequestBody, RequireKey, RequireKeyLayer,
    ResponseFuture,
};
pub use self::require_scopes::{layer::RequireScopesLayer, service::RequireScopes};
pub use self::requirement::Requirement;
pub use self::validate_key::{layer::ValidateKeyLayer, service::ValidateKey};
pub use self::validator::{Validator, Validity};
