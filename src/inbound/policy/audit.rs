//! The routes of an application, with what its policies say of them.

use std::fmt;

use http::Method;

use super::decision::Decision;
use super::entry::{PatternKind, PolicyEntry};
use super::route_policy::RoutePolicy;
use super::template::Template;
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};

/// The routes of an application, with what its policies say of them: one line for each, written out.
/// Made by [`RoutePolicy::audit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    routes: Vec<AuditedRoute>,
}

/// One route, with what the policies say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditedRoute {
    method: Method,
    path: Box<str>,
    decision: Decision,
}

impl Audit {
    /// Each route, in the order of the application; then each entry that is for a part of one.
    pub fn iter(&self) -> impl Iterator<Item = &AuditedRoute> {
        self.routes.iter()
    }

    /// Those that are served without a key.
    pub fn open(&self) -> impl Iterator<Item = &AuditedRoute> {
        self.iter().filter(|route| route.is_open())
    }

    /// The same, for a service where each route needs a key.
    ///
    /// ```
    /// use http::Method;
    /// use tower_rotating_auth::inbound::{ConfigErrorKind, policy::RoutePolicy};
    ///
    /// let policies = RoutePolicy::new().public(Method::GET, "/debug/config")?;
    /// let audit = policies.audit([(Method::GET, "/debug/config")])?;
    /// let error = audit.ensure_closed().unwrap_err();
    /// assert_eq!(error.kind(), ConfigErrorKind::OpenRoute);
    /// assert_eq!(error.routes().next(), Some((&Method::GET, "/debug/config")));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a route is served without a key.
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
    /// Its method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Its path or template.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the policies say of it.
    #[must_use]
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    const fn is_open(&self) -> bool {
        self.decision.access().is_open()
    }
}

impl RoutePolicy {
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
    /// use tower_rotating_auth::inbound::{ConfigErrorKind, policy::RoutePolicy};
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
    /// let error = typo.audit(routes).unwrap_err();
    /// assert_eq!(error.kind(), ConfigErrorKind::UnknownRoute);
    /// assert_eq!(error.routes().next(), Some((&Method::GET, "/healthz")));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When an entry is for none of the routes, or one of them is no route.
    pub fn audit<'a>(
        &self,
        routes: impl IntoIterator<Item = (Method, &'a str)>,
    ) -> Result<Audit, ConfigError> {
        let routes = routes
            .into_iter()
            .map(|(method, path)| Route::parse(method, path))
            .collect::<Result<Vec<_>, _>>()?;
        let (for_some, for_none): (Vec<_>, Vec<_>) =
            self.entries().partition(|entry| is_for_any(entry, &routes));
        if !for_none.is_empty() {
            let message = format!(
                "no route for these policy entries; correct or remove them: {}",
                list(&for_none)
            );
            let entries = for_none.iter().map(|entry| (entry.method(), entry.path()));
            return Err(
                ConfigError::new(ConfigErrorKind::UnknownRoute, message).with_routes(entries)
            );
        }
        let is_route = |method: &Method, path: &str| {
            let same = |route: &Route<'_>| route.method == *method && route.path == path;
            routes.iter().any(same)
        };
        let parts = for_some
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

/// Whether a handler answers requests that the entry is for. The router finds the template first and
/// looks at the method then: a better match without the method hides one that has it.
fn is_for_any(entry: &PolicyEntry, routes: &[Route<'_>]) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::key::Scopes;

    const ROUTES: [(Method, &str); 5] = [
        (Method::GET, "/health"),
        (Method::GET, "/v1/models"),
        (Method::GET, "/v1/models/{id}"),
        (Method::POST, "/v1/models/reload"),
        (Method::POST, "/v1/chat"),
    ];

    #[test]
    fn each_route_is_reported_with_what_it_asks_and_why() {
        let policies = RoutePolicy::new()
            .public(Method::GET, "/health")
            .unwrap()
            .optional_template(Method::GET, "/v1/models/{id}")
            .unwrap()
            .required_template(Method::POST, "/v1/chat", "chat:write".parse().unwrap())
            .unwrap();
        let audit = policies.audit(ROUTES).unwrap();
        assert_eq!(
            audit.to_string(),
            "GET /health: public (the path is listed)\n\
             GET /v1/models: needs a key (not listed)\n\
             GET /v1/models/{id}: a key is optional (the template is listed)\n\
             POST /v1/models/reload: needs a key (not listed)\n\
             POST /v1/chat: needs a key with chat:write (the template is listed)\n"
        );
        let open: Vec<_> = audit.open().map(AuditedRoute::path).collect();
        assert_eq!(open, ["/health", "/v1/models/{id}"]);
    }

    #[test]
    fn an_entry_for_a_part_of_a_route_is_reported_beside_it() {
        let policies = RoutePolicy::new()
            .public(Method::GET, "/v1/models/free")
            .unwrap()
            .public(Method::HEAD, "/v1/models")
            .unwrap();
        let audit = policies.audit(ROUTES).unwrap();
        let open: Vec<_> = audit.open().map(ToString::to_string).collect();
        assert_eq!(
            open,
            [
                "HEAD /v1/models: public (the path is listed)",
                "GET /v1/models/free: public (the path is listed)",
            ]
        );
        assert_eq!(audit.iter().count(), ROUTES.len() + 2);
    }

    #[test]
    fn every_entry_without_a_route_is_named() {
        let policies = RoutePolicy::new()
            .public(Method::GET, "/healthz")
            .unwrap()
            .public(Method::GET, "/health")
            .unwrap()
            .public(Method::POST, "/v1/models")
            .unwrap()
            .public(Method::HEAD, "/v1/chat")
            .unwrap()
            // Here the router finds the route for POST, and has no other look.
            .public(Method::GET, "/v1/models/reload")
            .unwrap()
            .required_template(Method::GET, "/v1/models/{name}", Scopes::default())
            .unwrap();
        let refused = policies.audit(ROUTES).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "no route for these policy entries; correct or remove them: GET /healthz: public; HEAD /v1/chat: public; POST /v1/models: public; \
             GET /v1/models/reload: public; GET template /v1/models/{name}: needs a key"
        );
    }

    #[test]
    fn a_list_with_something_else_than_routes_is_refused() {
        for path in ["", "health", "/{id"] {
            let refused = RoutePolicy::new().audit([(Method::GET, path)]).unwrap_err();
            assert_eq!(refused.kind(), ConfigErrorKind::InvalidRoute, "{path}");
        }
    }

    #[test]
    fn on_request_the_audit_fails_for_each_open_route() {
        let closed = RoutePolicy::new().deny(Method::GET, "/health").unwrap();
        closed.audit(ROUTES).unwrap().ensure_closed().unwrap();

        let open = closed
            .optional(Method::GET, "/v1/models")
            .unwrap()
            .optional_lenient(Method::POST, "/v1/chat")
            .unwrap();
        let refused = open.audit(ROUTES).unwrap().ensure_closed().unwrap_err();
        assert_eq!(
            refused.to_string(),
            "these routes are served without a key: GET /v1/models: a key is optional (the path is listed); \
             POST /v1/chat: a key is optional, a bad one counts as none (the path is listed)"
        );
    }
}
