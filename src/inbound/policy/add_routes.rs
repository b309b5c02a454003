//! The methods that add entries to a policy.

use http::Method;

use super::access::Access;
use super::entry::{PatternKind, PolicyEntry};
use super::route_policy::RoutePolicy;
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};
use crate::inbound::requirement::Requirement;

impl RoutePolicy {
    /// Adds a path that needs no key. The layer does not check a key in the request, but still
    /// removes it.
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    ///
    /// - [`InvalidPath`](ConfigErrorKind::InvalidPath) if the path [could be read in more than one
    ///   way](RoutePolicy#paths-that-can-be-read-in-more-than-one-way);
    /// - [`TemplateAsPath`](ConfigErrorKind::TemplateAsPath) if it looks like a template;
    /// - [`ConflictingEntry`](ConfigErrorKind::ConflictingEntry) if an earlier entry says something
    ///   else.
    pub fn public(self, method: Method, path: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Path, path, Access::Public)
    }

    /// Adds a template of the router. Otherwise like [`public`](Self::public).
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    ///
    /// - [`InvalidTemplate`](ConfigErrorKind::InvalidTemplate) if no router would accept the
    ///   template;
    /// - [`InvalidPath`](ConfigErrorKind::InvalidPath) if its paths [could be read in more than one
    ///   way](RoutePolicy#paths-that-can-be-read-in-more-than-one-way);
    /// - [`ConflictingEntry`](ConfigErrorKind::ConflictingEntry) if an earlier entry says something
    ///   else.
    pub fn public_template(self, method: Method, template: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Template, template, Access::Public)
    }

    /// Adds a path where a key is optional. An invalid key is refused.
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    ///
    /// - [`InvalidPath`](ConfigErrorKind::InvalidPath) if the path [could be read in more than one
    ///   way](RoutePolicy#paths-that-can-be-read-in-more-than-one-way);
    /// - [`TemplateAsPath`](ConfigErrorKind::TemplateAsPath) if it looks like a template;
    /// - [`ConflictingEntry`](ConfigErrorKind::ConflictingEntry) if an earlier entry says something
    ///   else.
    pub fn optional(self, method: Method, path: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Path, path, Access::Optional)
    }

    /// Adds a template of the router. Otherwise like [`optional`](Self::optional).
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    ///
    /// - [`InvalidTemplate`](ConfigErrorKind::InvalidTemplate) if no router would accept the
    ///   template;
    /// - [`InvalidPath`](ConfigErrorKind::InvalidPath) if its paths [could be read in more than one
    ///   way](RoutePolicy#paths-that-can-be-read-in-more-than-one-way);
    /// - [`ConflictingEntry`](ConfigErrorKind::ConflictingEntry) if an earlier entry says something
    ///   else.
    pub fn optional_template(self, method: Method, template: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Template, template, Access::Optional)
    }

    /// Adds a path where a key is optional. An invalid key counts as none.
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    ///
    /// - [`InvalidPath`](ConfigErrorKind::InvalidPath) if the path [could be read in more than one
    ///   way](RoutePolicy#paths-that-can-be-read-in-more-than-one-way);
    /// - [`TemplateAsPath`](ConfigErrorKind::TemplateAsPath) if it looks like a template;
    /// - [`ConflictingEntry`](ConfigErrorKind::ConflictingEntry) if an earlier entry says something
    ///   else.
    pub fn optional_lenient(self, method: Method, path: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Path, path, Access::OptionalLenient)
    }

    /// Adds a template of the router. Otherwise like [`optional_lenient`](Self::optional_lenient).
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    ///
    /// - [`InvalidTemplate`](ConfigErrorKind::InvalidTemplate) if no router would accept the
    ///   template;
    /// - [`InvalidPath`](ConfigErrorKind::InvalidPath) if its paths [could be read in more than one
    ///   way](RoutePolicy#paths-that-can-be-read-in-more-than-one-way);
    /// - [`ConflictingEntry`](ConfigErrorKind::ConflictingEntry) if an earlier entry says something
    ///   else.
    pub fn optional_lenient_template(
        self,
        method: Method,
        template: &str,
    ) -> Result<Self, ConfigError> {
        self.with(
            method,
            PatternKind::Template,
            template,
            Access::OptionalLenient,
        )
    }

    /// Adds a path that needs a valid key that meets a requirement. A text that is parsed as one is
    /// a list of scopes, all of which the key must have.
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    ///
    /// - [`InvalidPath`](ConfigErrorKind::InvalidPath) if the path [could be read in more than one
    ///   way](RoutePolicy#paths-that-can-be-read-in-more-than-one-way);
    /// - [`TemplateAsPath`](ConfigErrorKind::TemplateAsPath) if it looks like a template;
    /// - [`ConflictingEntry`](ConfigErrorKind::ConflictingEntry) if an earlier entry says something
    ///   else.
    pub fn required(
        self,
        method: Method,
        path: &str,
        requirement: Requirement,
    ) -> Result<Self, ConfigError> {
        let access = Access::Required(requirement);
        self.with(method, PatternKind::Path, path, access)
    }

    /// Adds a template of the router. Otherwise like [`required`](Self::required).
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`InvalidTemplate`](ConfigErrorKind::InvalidTemplate) if no router
    /// would accept the template, and [`ConflictingEntry`](ConfigErrorKind::ConflictingEntry) if an
    /// earlier entry says something else.
    pub fn required_template(
        self,
        method: Method,
        template: &str,
        requirement: Requirement,
    ) -> Result<Self, ConfigError> {
        let access = Access::Required(requirement);
        self.with(method, PatternKind::Template, template, access)
    }

    /// Adds a path that is closed to everyone.
    ///
    /// # Errors
    ///
    /// Returns an error of kind
    ///
    /// - [`InvalidPath`](ConfigErrorKind::InvalidPath) if the path [could be read in more than one
    ///   way](RoutePolicy#paths-that-can-be-read-in-more-than-one-way);
    /// - [`TemplateAsPath`](ConfigErrorKind::TemplateAsPath) if it looks like a template;
    /// - [`ConflictingEntry`](ConfigErrorKind::ConflictingEntry) if an earlier entry says something
    ///   else.
    pub fn deny(self, method: Method, path: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Path, path, Access::Deny)
    }

    /// Adds a template of the router. Otherwise like [`deny`](Self::deny).
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`InvalidTemplate`](ConfigErrorKind::InvalidTemplate) if no router
    /// would accept the template, and [`ConflictingEntry`](ConfigErrorKind::ConflictingEntry) if an
    /// earlier entry says something else.
    pub fn deny_template(self, method: Method, template: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Template, template, Access::Deny)
    }

    pub(crate) fn with(
        mut self,
        method: Method,
        kind: PatternKind,
        pattern: &str,
        access: Access,
    ) -> Result<Self, ConfigError> {
        let entry = PolicyEntry::checked(method, kind, pattern, access)?;
        if let Some(earlier) = self
            .entries()
            .find(|earlier| earlier.conflicts_with(&entry))
        {
            let advice = format!("conflicts with the earlier entry {earlier}; remove one");
            return Err(entry.error(ConfigErrorKind::ConflictingEntry, &advice));
        }
        self.closing.add(&entry);
        let table = match kind {
            PatternKind::Path => &mut self.paths,
            PatternKind::Template => &mut self.templates,
        };
        if table.exactly(&entry.method, &entry.pattern).is_none() {
            table.insert(entry);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(scopes: &str) -> Requirement {
        scopes.parse().unwrap()
    }

    #[test]
    fn invalid_paths_and_templates_are_refused() {
        for path in [
            "", "health", "//", "/a//b", "/a/../b", "/a%2fb", "/a?b", "/a;b", "/ü",
        ] {
            let error = RoutePolicy::new().public(Method::GET, path).unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::InvalidPath, "{path}");
            let error = RoutePolicy::new().deny(Method::GET, path).unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::InvalidPath, "{path}");
        }
        for path in [
            "/models/{id}",
            "/{*path}",
            "/models/:id",
            "/static/*",
            "/*path",
            "/a}",
        ] {
            let error = RoutePolicy::new().public(Method::GET, path).unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::TemplateAsPath, "{path}");
        }
        for template in ["", "models/{id}", "/{", "/{}", "/{id", "/id}", "/{*path}/b"] {
            let error = RoutePolicy::new()
                .deny_template(Method::GET, template)
                .unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::InvalidTemplate, "{template}");
        }
    }

    #[test]
    fn ambiguous_template_can_close_but_not_open() {
        for template in ["/a//{id}", "/a;{id}", "/a{{{id}", "/{id}/../b", "/%2e/{id}"] {
            let error = RoutePolicy::new()
                .optional_template(Method::GET, template)
                .unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::InvalidPath, "{template}");
            RoutePolicy::new()
                .deny_template(Method::GET, template)
                .unwrap();
        }
    }

    #[test]
    fn conflicting_entries_are_refused() {
        let conflict = |policy: Result<RoutePolicy, ConfigError>| {
            let error = policy.unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::ConflictingEntry);
            error.to_string()
        };
        let of_path = RoutePolicy::new().public(Method::GET, "/a").unwrap();
        let message = conflict(of_path.clone().optional(Method::GET, "/a"));
        assert!(message.contains("GET /a: public"), "{message}");
        let of_template = RoutePolicy::new()
            .public_template(Method::GET, "/a/{id}")
            .unwrap();
        let message = conflict(of_template.clone().deny_template(Method::GET, "/a/{id}"));
        assert!(
            message.contains("GET template /a/{id}: public"),
            "{message}"
        );
        // Templates that differ only in parameter names are one route. A path is a template without
        // parameters.
        conflict(of_template.clone().deny_template(Method::GET, "/a/{name}"));
        conflict(of_path.clone().deny_template(Method::GET, "/a"));
        let one = RoutePolicy::new()
            .required(Method::GET, "/a", scopes("one"))
            .unwrap();
        conflict(one.required(Method::GET, "/a", scopes("two")));

        // These do not conflict.
        of_path.clone().public(Method::GET, "/a").unwrap();
        of_path.clone().public_template(Method::GET, "/a").unwrap();
        of_path.clone().deny(Method::POST, "/a").unwrap();
        of_path.deny(Method::HEAD, "/a").unwrap();
        of_template.deny(Method::GET, "/a/internal").unwrap();
    }
}
