//! Reading a policy file.

use std::fmt::Display;
use std::str::FromStr;

use http::Method;

use super::shape::{self, File, Route, Unlisted};
use crate::inbound::config_error::{ConfigError, ConfigErrorKind};
use crate::inbound::policy::access::Access;
use crate::inbound::policy::entry::PatternKind;
use crate::inbound::policy::route_policy::RoutePolicy;
use crate::inbound::requirement::Requirement;

/// The version of the format.
const VERSION: u32 = 1;

impl RoutePolicy {
    /// Reads a policy file.
    ///
    /// | field of a `[[route]]` | |
    /// |---|---|
    /// | `methods` | a list of methods; `GET` includes `HEAD` |
    /// | `path` or `template` | a literal path, or a template of the router |
    /// | `access` | `"public"`, `"optional"`, `"optional_lenient"`, `"required"` or `"deny"` |
    /// | `all_of`, `any_of` | with `"required"`: scopes |
    /// | `roles` | with `"required"`: roles, of which a key needs each |
    /// | `clients` | with `"required"`: the clients that are let in; by default, all are |
    ///
    /// `unlisted` says what other routes require: `"required"`, the default, or `"deny"`.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Method;
    /// use tower_rotating_auth::inbound::policy::{Access, RoutePolicy};
    ///
    /// let policy = RoutePolicy::from_toml(r#"
    ///     version = 1
    ///     unlisted = "deny"
    ///
    ///     [[route]]
    ///     methods = ["GET"]
    ///     path = "/health"
    ///     access = "public"
    ///
    ///     [[route]]
    ///     methods = ["POST"]
    ///     path = "/v1/chat/completions"
    ///     access = "required"
    ///     all_of = ["chat:write"]
    ///     any_of = ["tier:paid", "tier:internal"]
    ///     clients = ["open-webui"]
    /// "#)?;
    /// assert_eq!(policy.explain(&Method::GET, "/health", None).access(), &Access::Public);
    /// assert_eq!(policy.explain(&Method::GET, "/metrics", None).access(), &Access::Deny);
    /// # Ok::<_, tower_rotating_auth::inbound::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`InvalidPolicyFile`](ConfigErrorKind::InvalidPolicyFile) if the
    /// text is not a policy file, and the errors of the methods that add entries. An unknown field
    /// is an error, too, and so is an empty list. The error names the line or the entry.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| syntax(text, &error))?;
        if file.version != VERSION {
            let message = format!(
                "the policy file is of version {}, not {VERSION}",
                file.version
            );
            return Err(ConfigError::new(
                ConfigErrorKind::InvalidPolicyFile,
                message,
            ));
        }
        let policy = match file.unlisted {
            Unlisted::Required => Self::new(),
            Unlisted::Deny => Self::deny_unlisted(),
        };
        let routes = file.route.into_iter().enumerate();
        routes
            .into_iter()
            .try_fold(policy, |policy, (number, route)| {
                add(policy, &Entry(number + 1), &route)
            })
    }
}

/// The number of a `[[route]]`, from 1.
struct Entry(usize);

impl Entry {
    fn invalid(&self, field: &str, what: impl Display) -> ConfigError {
        let message = format!("[[route]] number {}: {field}: {what}", self.0);
        ConfigError::new(ConfigErrorKind::InvalidPolicyFile, message)
    }

    fn parse<T: FromStr<Err: Display>>(&self, field: &str, text: &str) -> Result<T, ConfigError> {
        text.parse()
            .map_err(|error: T::Err| self.invalid(field, error))
    }

    /// Returns the values of a list, of which an empty one is taken for a mistake.
    fn list<T>(
        &self,
        field: &str,
        list: Option<&Vec<String>>,
    ) -> Result<Option<Vec<T>>, ConfigError>
    where
        T: FromStr<Err: Display>,
    {
        match list {
            None => Ok(None),
            Some(texts) if texts.is_empty() => {
                Err(self.invalid(field, "an empty list; name something, or leave it out"))
            }
            Some(texts) => {
                let values = texts.iter().map(|text| self.parse(field, text));
                values.collect::<Result<_, _>>().map(Some)
            }
        }
    }
}

fn add(policy: RoutePolicy, entry: &Entry, route: &Route) -> Result<RoutePolicy, ConfigError> {
    let (kind, pattern) = match (&route.path, &route.template) {
        (Some(path), None) => (PatternKind::Path, path),
        (None, Some(template)) => (PatternKind::Template, template),
        _ => return Err(entry.invalid("path", "name a path or a template, one of them")),
    };
    let requirement = requirement(entry, route)?;
    if route.access != shape::Access::Required && !requirement.is_empty() {
        let what = "scopes, roles and clients need access = \"required\"";
        return Err(entry.invalid("access", what));
    }
    let access = match route.access {
        shape::Access::Public => Access::Public,
        shape::Access::Optional => Access::Optional,
        shape::Access::OptionalLenient => Access::OptionalLenient,
        shape::Access::Required => Access::Required(requirement),
        shape::Access::Deny => Access::Deny,
    };
    let methods = entry.list::<Method>("methods", Some(&route.methods))?;
    methods
        .unwrap_or_default()
        .into_iter()
        .try_fold(policy, |policy, method| {
            policy.with(method, kind, pattern, access.clone())
        })
}

fn requirement(entry: &Entry, route: &Route) -> Result<Requirement, ConfigError> {
    let mut requirement = Requirement::new();
    if let Some(scopes) = entry.list("all_of", route.all_of.as_ref())? {
        requirement = requirement.all_of(scopes.into_iter().collect());
    }
    if let Some(scopes) = entry.list("any_of", route.any_of.as_ref())? {
        requirement = requirement.any_of(scopes.into_iter().collect());
    }
    for role in entry
        .list("roles", route.roles.as_ref())?
        .unwrap_or_default()
    {
        requirement = requirement.role(role);
    }
    let clients: Option<Vec<_>> = entry.list("clients", route.clients.as_ref())?;
    if let Some(clients) = clients {
        requirement = requirement.clients(clients);
    }
    Ok(requirement)
}

/// Returns the parser's error with its line and without what it quotes: somebody may have named
/// another file, which holds secrets.
fn syntax(text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error
        .span()
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    let message = format!(
        "not a policy file: line {line}: unexpected text, field or value; compare it with the \
         documentation"
    );
    ConfigError::new(ConfigErrorKind::InvalidPolicyFile, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Result<(), ConfigErrorKind> {
        let policy = RoutePolicy::from_toml(text);
        policy.map(drop).map_err(|error| error.kind())
    }

    #[test]
    fn file_reads_as_the_policy_that_it_lists() {
        let read = RoutePolicy::from_toml(
            r#"
            version = 1
            [[route]]
            methods = ["GET", "HEAD"]
            path = "/health"
            access = "public"
            [[route]]
            methods = ["DELETE"]
            template = "/v1/models/{id}"
            access = "required"
            any_of = ["a", "b"]
            roles = ["operator"]
            clients = ["one"]
            [[route]]
            methods = ["PUT"]
            path = "/v1/models"
            access = "deny"
            "#,
        )
        .unwrap();
        let requirement = Requirement::new()
            .any_of("a b".parse().unwrap())
            .role("operator".parse().unwrap())
            .clients(["one".parse().unwrap()]);
        let listed = RoutePolicy::new()
            .public(Method::GET, "/health")
            .and_then(|policy| policy.public(Method::HEAD, "/health"))
            .and_then(|policy| {
                policy.required_template(Method::DELETE, "/v1/models/{id}", requirement)
            })
            .and_then(|policy| policy.deny(Method::PUT, "/v1/models"));
        assert_eq!(read, listed.unwrap());
        assert_eq!(
            RoutePolicy::from_toml("version = 1\nunlisted = \"deny\"").unwrap(),
            RoutePolicy::deny_unlisted()
        );
    }

    #[test]
    fn unclear_files_are_refused() {
        let route = |fields: &str| {
            format!("version = 1\n[[route]]\nmethods = [\"GET\"]\npath = \"/a\"\n{fields}\n")
        };
        let invalid = Err(ConfigErrorKind::InvalidPolicyFile);
        assert_eq!(kind(&route("access = \"public\"")), Ok(()));
        for text in [
            "".to_owned(),
            "version = 2".to_owned(),
            "version = 1\nunlisted = \"public\"".to_owned(),
            "version = 1\n[[routes]]".to_owned(),
            route(""),
            route("access = \"open\""),
            route("access = \"public\"\nall_of = [\"a\"]"),
            route("access = \"deny\"\nclients = [\"a\"]"),
            route("access = \"required\"\nany_of = []"),
            route("access = \"required\"\nclients = []"),
            route("access = \"required\"\nscopes = [\"a\"]"),
            route("access = \"required\"\nall_of = [\"a b\"]"),
            route("access = \"public\"\ntemplate = \"/b\""),
        ] {
            assert_eq!(kind(&text), invalid, "{text}");
        }
        let open = "version = 1\n[[route]]\nmethods = []\npath = \"/a\"\naccess = \"public\"";
        assert_eq!(kind(open), invalid);
        let path = route("access = \"public\"").replace("/a", "/a//b");
        assert_eq!(kind(&path), Err(ConfigErrorKind::InvalidPath));
    }

    #[test]
    fn error_does_not_quote_the_file() {
        for text in ["sk-1f0c", "key = \"sk-1f0c\"", "version = \"sk-1f0c\""] {
            let error = RoutePolicy::from_toml(text).unwrap_err().to_string();
            assert!(!error.contains("sk-1f0c"), "{error}");
        }
    }
}
