//! How policies are listed.

use http::Method;

use super::access::Access;
use super::entry::{PatternKind, PolicyEntry};
use super::route_policy::RoutePolicy;
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};
use crate::inbound::key::Scopes;

impl RoutePolicy {
    /// Serves a path without looking for a key.
    ///
    /// # Errors
    ///
    /// When no request could be exempt by it, or an earlier entry contradicts it.
    pub fn public(self, method: Method, path: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Path, path, Access::Public)
    }

    /// [`public`](Self::public), for a template of the router.
    ///
    /// # Errors
    ///
    /// When no request could be exempt by it, or an earlier entry contradicts it.
    pub fn public_template(self, method: Method, template: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Template, template, Access::Public)
    }

    /// Serves a path without a key, or with a valid one.
    ///
    /// # Errors
    ///
    /// When no request could be exempt by it, or an earlier entry contradicts it.
    pub fn optional(self, method: Method, path: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Path, path, Access::Optional)
    }

    /// [`optional`](Self::optional), for a template of the router.
    ///
    /// # Errors
    ///
    /// When no request could be exempt by it, or an earlier entry contradicts it.
    pub fn optional_template(self, method: Method, template: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Template, template, Access::Optional)
    }

    /// Serves a path without a key, with a valid one, or with a bad one as if there were none.
    ///
    /// # Errors
    ///
    /// When no request could be exempt by it, or an earlier entry contradicts it.
    pub fn optional_lenient(self, method: Method, path: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Path, path, Access::OptionalLenient)
    }

    /// [`optional_lenient`](Self::optional_lenient), for a template of the router.
    ///
    /// # Errors
    ///
    /// When no request could be exempt by it, or an earlier entry contradicts it.
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

    /// Serves a path with a valid key that has each of these scopes.
    ///
    /// # Errors
    ///
    /// When it is not a path, or an earlier entry contradicts it.
    pub fn required(self, method: Method, path: &str, scopes: Scopes) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Path, path, Access::Required(scopes))
    }

    /// [`required`](Self::required), for a template of the router.
    ///
    /// # Errors
    ///
    /// When it is not a template, or an earlier entry contradicts it.
    pub fn required_template(
        self,
        method: Method,
        template: &str,
        scopes: Scopes,
    ) -> Result<Self, ConfigError> {
        self.with(
            method,
            PatternKind::Template,
            template,
            Access::Required(scopes),
        )
    }

    /// Serves a path to nobody.
    ///
    /// # Errors
    ///
    /// When it is not a path, or an earlier entry contradicts it.
    pub fn deny(self, method: Method, path: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Path, path, Access::Deny)
    }

    /// [`deny`](Self::deny), for a template of the router.
    ///
    /// # Errors
    ///
    /// When it is not a template, or an earlier entry contradicts it.
    pub fn deny_template(self, method: Method, template: &str) -> Result<Self, ConfigError> {
        self.with(method, PatternKind::Template, template, Access::Deny)
    }

    fn with(
        mut self,
        method: Method,
        kind: PatternKind,
        pattern: &str,
        access: Access,
    ) -> Result<Self, ConfigError> {
        let entry = PolicyEntry::checked(method, kind, pattern, access)?;
        if let Some(earlier) = self.entries().find(|earlier| earlier.contradicts(&entry)) {
            let advice = format!("conflicts with the earlier entry {earlier}; remove one");
            return Err(entry.error(ConfigErrorKind::ConflictingEntry, &advice));
        }
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

    fn scopes(scopes: &str) -> Scopes {
        scopes.parse().unwrap()
    }

    #[test]
    fn an_entry_that_no_request_could_match_is_refused() {
        for path in [
            "", "health", "//", "/a//b", "/a/../b", "/a%2fb", "/a?b", "/a;b", "/ü",
        ] {
            let refused = RoutePolicy::new().public(Method::GET, path).unwrap_err();
            assert_eq!(refused.kind(), ConfigErrorKind::InvalidPath, "{path}");
            let refused = RoutePolicy::new().deny(Method::GET, path).unwrap_err();
            assert_eq!(refused.kind(), ConfigErrorKind::InvalidPath, "{path}");
        }
        for path in [
            "/models/{id}",
            "/{*path}",
            "/models/:id",
            "/static/*",
            "/*path",
            "/a}",
        ] {
            let refused = RoutePolicy::new().public(Method::GET, path).unwrap_err();
            assert_eq!(refused.kind(), ConfigErrorKind::TemplateAsPath, "{path}");
        }
        for template in ["", "models/{id}", "/{", "/{}", "/{id", "/id}", "/{*path}/b"] {
            let refused = RoutePolicy::new()
                .deny_template(Method::GET, template)
                .unwrap_err();
            assert_eq!(
                refused.kind(),
                ConfigErrorKind::InvalidTemplate,
                "{template}"
            );
        }
    }

    #[test]
    fn a_template_of_suspicious_paths_can_close_but_not_open() {
        for template in ["/a//{id}", "/a;{id}", "/a{{{id}", "/{id}/../b", "/%2e/{id}"] {
            let refused = RoutePolicy::new()
                .optional_template(Method::GET, template)
                .unwrap_err();
            assert_eq!(refused.kind(), ConfigErrorKind::InvalidPath, "{template}");
            RoutePolicy::new()
                .deny_template(Method::GET, template)
                .unwrap();
        }
    }

    #[test]
    fn contradictory_entries_are_refused_and_named() {
        let contradiction = |policies: Result<RoutePolicy, ConfigError>| {
            let refused = policies.unwrap_err();
            assert_eq!(refused.kind(), ConfigErrorKind::ConflictingEntry);
            refused.to_string()
        };
        let of_path = RoutePolicy::new().public(Method::GET, "/a").unwrap();
        assert_eq!(
            contradiction(of_path.clone().optional(Method::GET, "/a")),
            "GET /a: a key is optional: conflicts with the earlier entry GET /a: public; remove one"
        );
        let of_template = RoutePolicy::new()
            .public_template(Method::GET, "/a/{id}")
            .unwrap();
        assert_eq!(
            contradiction(of_template.clone().deny_template(Method::GET, "/a/{id}")),
            "GET template /a/{id}: denied: conflicts with the earlier entry GET template /a/{id}: public; remove one"
        );
        // Templates that differ in a name only are one route; a path is a template without parameters.
        contradiction(of_template.clone().deny_template(Method::GET, "/a/{name}"));
        contradiction(of_path.clone().deny_template(Method::GET, "/a"));
        let one = RoutePolicy::new()
            .required(Method::GET, "/a", scopes("one"))
            .unwrap();
        contradiction(one.required(Method::GET, "/a", scopes("two")));

        // Nothing of this is a contradiction.
        of_path.clone().public(Method::GET, "/a").unwrap();
        of_path.clone().public_template(Method::GET, "/a").unwrap();
        of_path.clone().deny(Method::POST, "/a").unwrap();
        of_path.deny(Method::HEAD, "/a").unwrap();
        of_template.deny(Method::GET, "/a/internal").unwrap();
    }
}
