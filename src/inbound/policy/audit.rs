//! The audit of a policy against an application's routes.

use std::fmt;

use http::Method;

use super::decision::Decision;
use super::entry::{PatternKind, PolicyEntry};
use super::route_policy::RoutePolicy;
use super::template::Template;
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};
use crate::syntax::reading::Reading;

/// A report of an application's routes and the policy's decision for each.
///
/// [`RoutePolicy::audit`] returns it. Its `Display` has one line for each route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    routes: Vec<AuditedRoute>,
}

/// A route of an application and the policy's decision for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditedRoute {
    method: Method,
    path: Box<str>,
    decision: Decision,
}

impl Audit {
    /// Returns each route in the order of the application, then each entry for a part of one.
    pub fn iter(&self) -> impl Iterator<Item = &AuditedRoute> {
        self.routes.iter()
    }

    /// Returns the routes that are served without a key.
    pub fn open(&self) -> impl Iterator<Item = &AuditedRoute> {
        self.iter().filter(|route| route.is_open())
    }

    /// Returns the audit if every route needs a key.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Method;
    /// use tower_rotating_auth::inbound::{ConfigErrorKind, policy::RoutePolicy};
    ///
    /// let policy = RoutePolicy::new().public(Method::GET, "/debug/config")?;
    /// let audit = policy.audit([(Method::GET, "/debug/config")])?;
    /// let error = audit.ensure_closed().unwrap_err();
    /// assert_eq!(error.kind(), ConfigErrorKind::OpenRoute);
    /// assert_eq!(error.routes().next(), Some((&Method::GET, "/debug/config")));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`OpenRoute`](ConfigErrorKind::OpenRoute) if a route is served
    /// without a key.
    pub fn ensure_closed(self) -> Result<Self, ConfigError> {
        let open: Vec<_> = self.open().cloned().collect();
        if open.is_empty() {
            Ok(self)
        } else {
            let message = format!("these routes are served without a key: {}", list(&open));
            let routes = open.iter().map(|route| (route.method(), route.path()));
            Err(ConfigError::new(ConfigErrorKind::OpenRoute, message).with_routes(routes))
        }
    }
}

impl AuditedRoute {
    /// Returns the method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the path or template.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the policy's decision.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    const fn is_open(&self) -> bool {
        self.decision.access().is_open()
    }
}

impl RoutePolicy {
    /// Compares the policy with the application's routes and returns the decision for each.
    ///
    /// Pass the paths and templates as the router has them. Call this at start: a typing error in
    /// an entry would leave a route closed that should be open, or without the scopes that it
    /// should require.
    ///
    /// The audit lists each route, and each entry for a part of one: a path that a template
    /// matches, or `HEAD`. If the routes include a catch-all such as `/{*path}`, no path is a
    /// typing error.
    ///
    /// The audit knows the list, not the router. In axum, `layer` guards only routes that were
    /// added before.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Method;
    /// use tower_rotating_auth::inbound::{ConfigErrorKind, policy::RoutePolicy};
    ///
    /// let routes = [
    ///     (Method::GET, "/health"),
    ///     (Method::GET, "/v1/models/{id}"),
    ///     (Method::POST, "/v1/chat/completions"),
    /// ];
    ///
    /// let policy = RoutePolicy::new().public(Method::GET, "/health")?;
    /// let audit = policy.audit(routes.clone())?;
    /// assert_eq!(
    ///     audit.to_string(),
    ///     "GET /health: public (the path is listed)\n\
    ///      GET /v1/models/{id}: needs a key (not listed)\n\
    ///      POST /v1/chat/completions: needs a key (not listed)\n",
    /// );
    /// assert_eq!(audit.open().count(), 1);
    ///
    /// let typo = RoutePolicy::new().public(Method::GET, "/healthz")?;
    /// let error = typo.audit(routes).unwrap_err();
    /// assert_eq!(error.kind(), ConfigErrorKind::UnknownRoute);
    /// assert_eq!(error.routes().next(), Some((&Method::GET, "/healthz")));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    ///
    /// - [`UnknownRoute`](ConfigErrorKind::UnknownRoute) if no request can reach a route by an
    ///   entry;
    /// - [`BypassedEntry`](ConfigErrorKind::BypassedEntry) if an entry for `GET` closes a route,
    ///   and one for `HEAD` lets other clients run its handler;
    /// - [`InvalidRoute`](ConfigErrorKind::InvalidRoute) if one of the routes is neither a path nor
    ///   a template.
    pub fn audit<'a>(
        &self,
        routes: impl IntoIterator<Item = (Method, &'a str)>,
    ) -> Result<Audit, ConfigError> {
        let routes = routes
            .into_iter()
            .map(|(method, path)| Route::parse(method, path))
            .collect::<Result<Vec<_>, _>>()?;
        let (matching, unmatched): (Vec<_>, Vec<_>) =
            self.entries().partition(|entry| is_for_any(entry, &routes));
        if !unmatched.is_empty() {
            let message = format!(
                "no route for these policy entries; correct or remove them: {}",
                list(&unmatched)
            );
            let entries = unmatched.iter().map(|entry| (entry.method(), entry.path()));
            return Err(
                ConfigError::new(ConfigErrorKind::UnknownRoute, message).with_routes(entries)
            );
        }
        let has_head = |get: &PolicyEntry| {
            let mut heads = routes.iter().filter(|route| route.method == Method::HEAD);
            heads.any(|route| route.template.segments() == get.segments)
        };
        let bypassed =
            |get: &&&PolicyEntry| !has_head(get) && matching.iter().any(|head| head.bypasses(get));
        let bypassed: Vec<_> = matching.iter().filter(bypassed).collect();
        if !bypassed.is_empty() {
            let message = format!(
                "HEAD has entries that let others run the handlers of these; remove them: {}",
                list(&bypassed)
            );
            let entries = bypassed.iter().map(|entry| (entry.method(), entry.path()));
            return Err(
                ConfigError::new(ConfigErrorKind::BypassedEntry, message).with_routes(entries)
            );
        }
        let is_route = |method: &Method, path: &str| {
            let same = |route: &Route<'_>| route.method == *method && route.path == path;
            routes.iter().any(same)
        };
        let parts = matching
            .into_iter()
            .map(|entry| (entry.method(), entry.path()))
            .filter(|(method, path)| !is_route(method, path));
        let routes = routes
            .iter()
            .map(|route| (&route.method, route.path))
            .chain(parts)
            .map(|(method, path)| AuditedRoute {
                method: method.clone(),
                path: path.into(),
                decision: self.decide_route(method, path),
            })
            .collect();
        Ok(Audit { routes })
    }
}

struct Route<'a> {
    method: Method,
    path: &'a str,
    template: Template<'a>,
}

impl<'a> Route<'a> {
    fn parse(method: Method, path: &'a str) -> Result<Self, ConfigError> {
        match Template::parse(path) {
            Some(template) => Ok(Self {
                method,
                path,
                template,
            }),
            None => {
                let message = format!("not a route: {method} {}", path.escape_debug());
                let error = ConfigError::new(ConfigErrorKind::InvalidRoute, message);
                Err(error.with_routes([(&method, path)]))
            }
        }
    }
}

fn list(items: &[impl fmt::Display]) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    items.join("; ")
}

/// Returns whether a handler serves requests that the entry matches.
///
/// A router finds the template before it looks at the method, so a better match without the method
/// hides another that has it. But an entry that closes a path also matches its other spellings, and
/// of those, any route may get one.
fn is_for_any(entry: &PolicyEntry, routes: &[Route<'_>]) -> bool {
    if entry.kind == PatternKind::Path && !entry.access().is_open() {
        let reading = Reading::of(entry.path());
        return routes.iter().any(|route| {
            entry.is_for(&route.method) && reading.may_be(&route.template.segments())
        });
    }
    let path = match entry.kind {
        PatternKind::Template => Some(entry.path()),
        PatternKind::Path => routes
            .iter()
            .filter(|route| route.template.covers(entry.path()))
            .max_by(|one, other| one.template.cmp_specificity(&other.template))
            .map(|route| route.path),
    };
    routes
        .iter()
        .any(|route| Some(route.path) == path && entry.is_for(&route.method))
}

impl fmt::Display for AuditedRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.escape_debug();
        write!(f, "{} {path}: {}", self.method, self.decision)
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|route| writeln!(f, "{route}"))
    }
}
