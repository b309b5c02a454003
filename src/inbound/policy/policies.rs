//! The policies of a service.

use http::Method;

use super::access::Access;
use super::audit;
use super::audit::Audit;
use super::decision::{Decision, DecisionReason};
use super::error::AuditError;
use super::route::PolicyEntry;
use super::route::Table;
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
/// assert_eq!(odd.why(), DecisionReason::SuspiciousPath);
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
        if let Some((access, why)) = self.standing(method, path, template) {
            return Decision::new(access.clone(), why);
        }
        let why = if path::is_plain(path) {
            DecisionReason::Unlisted
        } else {
            DecisionReason::SuspiciousPath
        };
        Decision::new(self.unlisted.clone(), why)
    }

    /// What is asked of a request.
    pub(crate) fn access(&self, method: &Method, path: &str, template: Option<&str>) -> &Access {
        match self.standing(method, path, template) {
            Some((access, _)) => access,
            None => &self.unlisted,
        }
    }

    /// The entry that stands for a request: an exemption does so for plain paths only.
    fn standing(
        &self,
        method: &Method,
        path: &str,
        template: Option<&str>,
    ) -> Option<(&Access, DecisionReason)> {
        self.listed(method, path, template)
            .filter(|(access, _)| !access.is_open() || path::is_plain(path))
    }

    fn listed(
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
    pub(crate) fn of_route(&self, method: &Method, route: &str) -> Decision {
        let (access, why) = self
            .listed(method, route, Some(route))
            .unwrap_or((&self.unlisted, DecisionReason::Unlisted));
        Decision::new(access.clone(), why)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &PolicyEntry> {
        self.paths.iter().chain(self.templates.iter())
    }

    /// Compares the policies with the routes of the application, as it lists them: paths and templates,
    /// in the words that the router was given. To be called at start, since a typo in an entry would
    /// leave a route closed that should be open, or without the scopes that it should ask for.
    ///
    /// The audit knows the list, not the router: axum's `layer` is around the routes that were added before it,
    /// and one that is added later is guarded by nothing, whatever the policies say.
    ///
    /// The report has each route, and each entry that is for a part of one: for a path that a template
    /// matches, or for `HEAD`. A catch-all such as `/{*path}` is a route for every path, so
    /// that with one in the list no path is a typo.
    ///
    /// ```
    /// use http::Method;
    /// use tower_rotating_auth::inbound::policy::{AuditError, RoutePolicy};
    ///
    /// let routes = [
    ///     (Method::GET, "/health"),
    ///     (Method::GET, "/v1/models/{id}"),
    ///     (Method::POST, "/v1/chat/completions"),
    /// ];
    ///
    /// let policies = RoutePolicy::new().public(Method::GET, "/health")?;
    /// let audit = policies.audit(routes.clone())?;
    /// assert_eq!(
    ///     audit.to_string(),
    ///     "GET /health: public (the path is listed)\n\
    ///      GET /v1/models/{id}: needs a key (not listed)\n\
    ///      POST /v1/chat/completions: needs a key (not listed)\n",
    /// );
    /// assert_eq!(audit.open().count(), 1);
    ///
    /// let typo = RoutePolicy::new().public(Method::GET, "/healthz")?;
    /// let Err(AuditError::NoSuchRoute(entries)) = typo.audit(routes) else {
    ///     panic!("nothing found");
    /// };
    /// assert_eq!(entries[0].path(), "/healthz");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When an entry is for none of the routes, or one of them is no route.
    pub fn audit<'a>(
        &self,
        routes: impl IntoIterator<Item = (Method, &'a str)>,
    ) -> Result<Audit, AuditError> {
        audit::of(self, routes)
    }
}

/// [`new`](Self::new).
impl Default for RoutePolicy {
    fn default() -> Self {
        Self::new()
    }
}
