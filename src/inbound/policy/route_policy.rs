//! The policies of a service.

use http::Method;

use super::access::Access;
use super::decision::{Decision, DecisionReason};
use super::entry::PolicyEntry;
use super::table::Table;
use crate::inbound::key::Scopes;
use crate::path;

/// Which routes need a key, and which do not.
///
/// An entry is for a method and a whole path, or for a method and a template of the router, such as
/// `/v1/models/{id}`. Paths are compared byte for byte: `/health` is neither `/health/` nor `/healthz`. An
/// entry for the path comes before one for the template, and what has no entry needs a valid key,
/// whatever its scopes, or is denied: that is for [`new`](Self::new) and
/// [`deny_unlisted`](Self::deny_unlisted) to say.
///
/// ```
/// use http::Method;
/// use tower_rotating_auth::{inbound::Scopes, inbound::policy::{Access, RoutePolicy, DecisionReason}};
///
/// let policies = RoutePolicy::new()
///     .public(Method::GET, "/health")?
///     .optional_template(Method::GET, "/v1/models/{id}")?
///     .required(Method::POST, "/v1/chat/completions", "chat:write".parse()?)?;
///
/// let health = policies.explain(&Method::GET, "/health", None);
/// assert_eq!(health.access(), &Access::Public);
/// let model = policies.explain(&Method::GET, "/v1/models/gpt", Some("/v1/models/{id}"));
/// assert_eq!(model.access(), &Access::Optional);
/// let other = policies.explain(&Method::DELETE, "/v1/models/gpt", Some("/v1/models/{id}"));
/// assert_eq!(other.access(), &Access::Required(Scopes::default()));
/// let odd = policies.explain(&Method::GET, "/v1/models/..%2fkeys", Some("/v1/models/{id}"));
/// assert_eq!(odd.reason(), DecisionReason::SuspiciousPath);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # `HEAD`
///
/// Routers answer `HEAD` by the handler for `GET`, and so an entry for `GET` is for `HEAD`, too, whether
/// it opens or closes, unless `HEAD` has an entry of its own.
///
/// # Paths that can be read in more than one way
///
/// A path with an empty segment, a segment that ends in a dot, a semicolon, a backslash, an escape of
/// any such thing, of a letter or of `%` is exempt from nothing, since a service behind the layer may take it
/// for another path than the layer did. It is treated as unlisted; entries that require scopes or deny
/// stand. Where such a service decodes or tidies up paths by itself, entries for the tidy path are not
/// for the others: `deny_unlisted` is the rule for that.
///
/// # Which path
///
/// The path is the one that the layer is given, without the query, never taken from `Host`. Inside a
/// nested axum router that is the path after the prefix, while templates are always whole.
/// Templates are known on axum's routes only: around the whole router, or with a fallback, an entry for a
/// template is for no request.
#[derive(Clone, Debug)]
pub struct RoutePolicy {
    pub(crate) paths: Table,
    pub(crate) templates: Table,
    unlisted: Access,
}

impl RoutePolicy {
    /// What is not listed needs a valid key.
    #[must_use]
    pub fn new() -> Self {
        Self::unlisted(Access::Required(Scopes::default()))
    }

    /// What is not listed is denied, even with a key.
    #[must_use]
    pub fn deny_unlisted() -> Self {
        Self::unlisted(Access::Deny)
    }

    fn unlisted(unlisted: Access) -> Self {
        Self {
            paths: Table::default(),
            templates: Table::default(),
            unlisted,
        }
    }

    /// What is asked of a request, and why: its method, its path without the query, and the template that
    /// the router matched, if there is a router.
    #[must_use]
    pub fn explain(&self, method: &Method, path: &str, template: Option<&str>) -> Decision {
        if let Some((access, reason)) = self.effective(method, path, template) {
            return Decision::new(access.clone(), reason);
        }
        let reason = if path::is_plain(path) {
            DecisionReason::Unlisted
        } else {
            DecisionReason::SuspiciousPath
        };
        Decision::new(self.unlisted.clone(), reason)
    }

    /// What is asked of a request.
    pub(crate) fn access(&self, method: &Method, path: &str, template: Option<&str>) -> &Access {
        match self.effective(method, path, template) {
            Some((access, _)) => access,
            None => &self.unlisted,
        }
    }

    /// The entry that stands for a request: an exemption does so for plain paths only.
    fn effective(
        &self,
        method: &Method,
        path: &str,
        template: Option<&str>,
    ) -> Option<(&Access, DecisionReason)> {
        self.find(method, path, template)
            .filter(|(access, _)| !access.is_open() || path::is_plain(path))
    }

    fn find(
        &self,
        method: &Method,
        path: &str,
        template: Option<&str>,
    ) -> Option<(&Access, DecisionReason)> {
        if let Some(access) = self.paths.find(method, path) {
            return Some((access, DecisionReason::Exact));
        }
        let access = self.templates.find(method, template?)?;
        Some((access, DecisionReason::Template))
    }

    /// What is asked on a route, as the router has it.
    pub(crate) fn decide_route(&self, method: &Method, route: &str) -> Decision {
        let (access, reason) = self
            .find(method, route, Some(route))
            .unwrap_or((&self.unlisted, DecisionReason::Unlisted));
        Decision::new(access.clone(), reason)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &PolicyEntry> {
        self.paths.iter().chain(self.templates.iter())
    }
}

/// [`new`](Self::new).
impl Default for RoutePolicy {
    fn default() -> Self {
        Self::new()
    }
}
