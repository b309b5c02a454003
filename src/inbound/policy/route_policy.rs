//! The policy of a service's routes.

use std::borrow::Cow;

use http::Method;

use super::access::Access;
use super::decision::{Decision, DecisionReason};
use super::entry::PolicyEntry;
use super::spelling::{Closing, closing_entries};
use super::table::Table;
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};
use crate::inbound::requirement::Requirement;
use crate::syntax::path;

/// The policy that says which routes need a key.
///
/// An entry matches a method and a whole path, or a method and a template of the router, such as
/// `/v1/models/{id}`. An entry for a path takes precedence over one for a template.
///
/// An entry that **opens** a route matches its path byte for byte: `/health` matches neither
/// `/health/` nor `/healthz`. An entry that **closes** a route, or requires scopes, matches every
/// spelling that somebody could read as its path: `/%61dmin`, `//admin` and `/admin/` for `/admin`.
///
/// A route without an entry needs a valid key with any scopes after [`new`](Self::new), and is
/// closed after [`deny_unlisted`](Self::deny_unlisted).
///
/// # Examples
///
/// ```
/// use http::Method;
/// use tower_rotating_auth::inbound::Requirement;
/// use tower_rotating_auth::inbound::policy::{Access, DecisionReason, RoutePolicy};
///
/// let policy = RoutePolicy::new()
///     .public(Method::GET, "/health")?
///     .optional_template(Method::GET, "/v1/models/{id}")?
///     .required(Method::POST, "/v1/chat/completions", "chat:write".parse()?)?;
///
/// let health = policy.explain(&Method::GET, "/health", None);
/// assert_eq!(health.access(), &Access::Public);
/// let model = policy.explain(&Method::GET, "/v1/models/gpt", Some("/v1/models/{id}"));
/// assert_eq!(model.access(), &Access::Optional);
/// let other = policy.explain(&Method::DELETE, "/v1/models/gpt", Some("/v1/models/{id}"));
/// assert_eq!(other.access(), &Access::Required(Requirement::new()));
/// let odd = policy.explain(&Method::GET, "/v1/models/..%2fkeys", Some("/v1/models/{id}"));
/// assert_eq!(odd.reason(), DecisionReason::SuspiciousPath);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # `HEAD`
///
/// Routers serve `HEAD` with the handler for `GET`. An entry for `GET` therefore also matches
/// `HEAD`, unless `HEAD` has an entry of its own.
///
/// # Paths that can be read in more than one way
///
/// No entry exempts a path that a service behind the layer could read as another path than the
/// layer does. This is every path that is not an absolute path of
/// [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-3.3), or has
///
/// - an empty segment, other than the last one;
/// - a segment that ends in a dot, as `.` and `..` do, or in an encoded space;
/// - a semicolon;
/// - an escape of an unreserved character, of a separator (`/ \ ; ? #`), of `%`, of a control
///   character, or of bytes that are not UTF-8.
///
/// The rule for unlisted routes applies to them, unless the router matched a template that is
/// closed.
///
/// # Other spellings of a path
///
/// Somebody behind the layer may decode a path once more than the router does: axum's `Path` gives
/// a handler `@internal` for `/v1/models/%40internal`. Others resolve dots, join slashes, or drop
/// parameters and slashes at the end. So the policy compares paths in a normal form: decoded to the
/// end, without any of these. Every closing entry whose path somebody could read the request's path
/// as applies, together with the rule for the path itself. A path with `..`, however it is escaped,
/// could be read as any path that has some of its segments.
///
/// Closing entries for a template match other spellings, too, if a router would prefer them to the
/// template that it matched. If no template is known, they match every path that the template
/// covers.
///
/// A method with small letters, such as `post`, is another method, and some servers take it for
/// `POST` all the same. A request must satisfy the rules for both spellings.
///
/// # Which path
///
/// The path is the one that the layer receives, without the query and the host. In a nested axum
/// router, it lacks the prefix, while templates are always whole. Templates are known on axum's
/// routes only. Around the whole router and in a fallback, no entry that opens a template matches.
///
/// Where that is a concern, use [`RequireScopesLayer`](crate::inbound::RequireScopesLayer) beside a
/// route: it cannot disagree with the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePolicy {
    pub(crate) paths: Table,
    pub(crate) templates: Table,
    pub(crate) closing: Closing,
    unlisted: Access,
}

impl RoutePolicy {
    /// Creates a policy where an unlisted route needs a valid key.
    #[must_use]
    pub fn new() -> Self {
        Self::unlisted(Access::Required(Requirement::new()))
    }

    /// Creates a policy where an unlisted route is closed, even with a valid key.
    #[must_use]
    pub fn deny_unlisted() -> Self {
        Self::unlisted(Access::Deny)
    }

    fn unlisted(unlisted: Access) -> Self {
        Self {
            paths: Table::default(),
            templates: Table::default(),
            closing: Closing::default(),
            unlisted,
        }
    }

    /// Returns the decision for a request, with its reason.
    ///
    /// Pass the path without the query, and the template that the router matched, if there is a
    /// router.
    #[must_use]
    pub fn explain(&self, method: &Method, path: &str, template: Option<&str>) -> Decision {
        let access = self.access(method, path, template);
        let (own, reason) = match self.effective(method, path, template) {
            Some((access, reason)) => (access, reason),
            None if path::is_plain(path) => (&self.unlisted, DecisionReason::Unlisted),
            None => (&self.unlisted, DecisionReason::SuspiciousPath),
        };
        if *access == *own {
            Decision::new(own.clone(), reason)
        } else {
            Decision::new(access.into_owned(), DecisionReason::OtherSpelling)
        }
    }

    /// Returns the access rule for a request.
    pub(crate) fn access(
        &self,
        method: &Method,
        path: &str,
        template: Option<&str>,
    ) -> Cow<'_, Access> {
        let access = self.access_as_spelled(method, path, template);
        // Methods are case-sensitive (RFC 9110 §9.1), but not to each server.
        match in_capitals(method) {
            None => access,
            Some(method) => {
                let other = self.access_as_spelled(&method, path, template);
                Cow::Owned(access.into_owned().and(&other))
            }
        }
    }

    fn access_as_spelled(
        &self,
        method: &Method,
        path: &str,
        template: Option<&str>,
    ) -> Cow<'_, Access> {
        let own = self.effective(method, path, template);
        let access = own.map_or(&self.unlisted, |(access, _)| access);
        let is_listed = matches!(own, Some((_, DecisionReason::Exact)));
        if !self
            .closing
            .may_match_others(path, is_listed || template.is_some())
        {
            return Cow::Borrowed(access);
        }
        let closing = closing_entries([&self.paths, &self.templates], method, path, template);
        let together = |access: Cow<'_, Access>, entry: &PolicyEntry| {
            Cow::Owned(access.into_owned().and(&entry.access))
        };
        closing.into_iter().fold(Cow::Borrowed(access), together)
    }

    /// Returns the entry that applies to a request. An exemption applies to plain paths only.
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

    /// Checks that no entry opens a route to clients without a key.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`OpenRoute`](crate::inbound::ConfigErrorKind::OpenRoute) if one
    /// does.
    pub fn ensure_closed(&self) -> Result<(), ConfigError> {
        let open = self.entries().filter(|entry| entry.access.is_open());
        let open: Vec<_> = open.collect();
        if open.is_empty() {
            return Ok(());
        }
        let entries: Vec<_> = open.iter().map(ToString::to_string).collect();
        let message = format!("these routes need no key: {}", entries.join(", "));
        let routes = open.iter().map(|entry| (entry.method(), entry.path()));
        Err(ConfigError::new(ConfigErrorKind::OpenRoute, message).with_routes(routes))
    }

    /// Returns the decision for a route as the router has it: a path or a template.
    pub(crate) fn decide_route(&self, method: &Method, route: &str) -> Decision {
        if path::is_plain(route) {
            return self.explain(method, route, Some(route));
        }
        let (access, reason) = self
            .find(method, route, Some(route))
            .unwrap_or((&self.unlisted, DecisionReason::Unlisted));
        Decision::new(access.clone(), reason)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &PolicyEntry> {
        self.paths.iter().chain(self.templates.iter())
    }
}

/// Returns the method in capitals, if it is not spelled that way.
fn in_capitals(method: &Method) -> Option<Method> {
    let name = method.as_str();
    let other = name.bytes().any(|byte| byte.is_ascii_lowercase());
    other.then(|| name.to_ascii_uppercase().parse().unwrap_or_default())
}

/// Creates the policy of [`RoutePolicy::new`].
impl Default for RoutePolicy {
    fn default() -> Self {
        Self::new()
    }
}
