//! What a request needs on each route: scopes, a role, or nothing.

use http::Method;
use tower_rotating_auth::ParseError;
use tower_rotating_auth::inbound::policy::RoutePolicy;
use tower_rotating_auth::inbound::{ConfigError, Requirement, Role, Scopes};

use crate::args::Mode;
use crate::error::ServerError;

/// A role: a name for a set of scopes, which the key ring keeps.
pub(crate) struct RoleScopes {
    pub(crate) role: Role,
    pub(crate) scopes: Scopes,
}

impl RoleScopes {
    fn new(role: &str, scopes: &str) -> Result<Self, ParseError> {
        Ok(Self {
            role: role.parse()?,
            scopes: scopes.parse()?,
        })
    }

    /// Returns the role that uses models.
    pub(crate) fn user() -> Result<Self, ParseError> {
        Self::new("user", "chat:write models:manage models:read")
    }

    /// Returns the role that manages the keys of others.
    pub(crate) fn operator() -> Result<Self, ParseError> {
        Self::new("operator", "keys:manage")
    }
}

/// Returns the policy of a mode. A route that it does not list answers 403.
pub(crate) fn routes(mode: Mode) -> Result<RoutePolicy, ServerError> {
    let (chat, manage) = ("chat:write".parse()?, "models:manage".parse()?);
    let operator = Requirement::new().role(RoleScopes::operator()?.role);
    let policy = RoutePolicy::deny_unlisted()
        .required(Method::POST, "/v1/chat/completions", chat)?
        .required_template(Method::POST, "/v1/models/{model}/load", manage)?
        .required_template(Method::POST, "/admin/clients/{client}/revoke", operator)?;
    Ok(match mode {
        Mode::Mixed => public(policy)?,
        Mode::Production | Mode::Development => policy
            .required(Method::GET, "/healthz", Requirement::new())?
            .required(Method::GET, "/v1/models", "models:read".parse()?)?,
    })
}

fn public(policy: RoutePolicy) -> Result<RoutePolicy, ConfigError> {
    policy
        .public(Method::GET, "/healthz")?
        .public(Method::GET, "/v1/models")
}
