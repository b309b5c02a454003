//! The layer that requires scopes.

use tower_layer::Layer;

use super::service::RequireScopes;
use crate::inbound::requirement::Requirement;

/// A [`Layer`] that requires scopes of the key that a
/// [`RequireKeyLayer`](crate::inbound::RequireKeyLayer) around it has checked.
///
/// It stands beside a route, and so cannot disagree with the router about which path is which, as a
/// [`RoutePolicy`](crate::inbound::policy::RoutePolicy) can. It refuses requests as the layer
/// around it does. A caller without a key gets 401, and one whose key lacks a scope 403.
///
/// Where keys are not checked at all, for development, every request passes. If the request has no
/// [`Principal`](crate::inbound::Principal), because no layer has checked it or the route is
/// public, the response is 500.
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use axum::routing::{get, post};
/// use tower_rotating_auth::inbound::{RequireKeyLayer, RequireScopesLayer};
/// # use tower_rotating_auth::{Rotating, inbound::KeySet};
///
/// # async fn list() {}
/// # async fn reload() {}
/// # let (keys, _publisher) = Rotating::manual(KeySet::empty());
/// let admin = RequireScopesLayer::new("models:admin".parse()?);
/// let app: Router = Router::new()
///     .route("/v1/models", get(list))
///     .route("/v1/models/reload", post(reload).route_layer(admin))
///     .layer(RequireKeyLayer::new(keys));
/// # drop(app);
/// # Ok::<_, tower_rotating_auth::ParseError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireScopesLayer {
    requirement: Requirement,
}

impl RequireScopesLayer {
    /// Creates a layer that requires a key that meets a requirement. A text that is parsed as one
    /// is a list of scopes, all of which the key must have.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_rotating_auth::inbound::{RequireScopesLayer, Requirement};
    ///
    /// let admins = RequireScopesLayer::new("models:admin".parse()?);
    /// let operators = RequireScopesLayer::new(Requirement::new().role("operator".parse()?));
    /// # drop((admins, operators));
    /// # Ok::<_, tower_rotating_auth::ParseError>(())
    /// ```
    pub const fn new(requirement: Requirement) -> Self {
        Self { requirement }
    }
}

impl<S> Layer<S> for RequireScopesLayer {
    type Service = RequireScopes<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireScopes::new(inner, self.requirement.clone())
    }
}
