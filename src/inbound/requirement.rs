//! The requirements of a route for a client with a valid key.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::auth_error::{AuthError, AuthErrorKind};
use super::key::{ClientId, KeyRecord, Role, Scopes};
use crate::parse_error::ParseError;

/// The requirements of a route for a client with a valid key: scopes, roles, or to be on a list.
///
/// All parts must be met. Without any part, every valid key will do.
///
/// | not met | the response |
/// |---|---|
/// | [`clients`](Self::clients) | 403 without a challenge |
/// | [`all_of`](Self::all_of), [`any_of`](Self::any_of) | 403 with `insufficient_scope` and the scopes of this requirement |
/// | only [`role`](Self::role) | 403 with `insufficient_scope` and no scopes: no scope would help |
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::inbound::Requirement;
///
/// let requirement = Requirement::new()
///     .all_of("chat:write".parse()?)
///     .any_of("tier:paid tier:internal".parse()?)
///     .clients(["open-webui".parse()?, "batch".parse()?]);
/// assert_eq!(
///     requirement.to_string(),
///     "chat:write and one of tier:internal tier:paid, only for batch and open-webui",
/// );
/// # Ok::<_, tower_rotating_auth::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Requirement {
    all_of: Scopes,
    /// One scope of each. Sorted, as the other lists, so that equal requirements compare equal.
    any_of: Vec<Scopes>,
    roles: Vec<Role>,
    clients: Option<Vec<ClientId>>,
}

impl Requirement {
    /// Creates a requirement that every valid key meets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires each of these scopes, besides those required before.
    pub fn all_of(mut self, scopes: Scopes) -> Self {
        self.all_of = if self.all_of.is_empty() {
            scopes
        } else {
            self.all_of.iter().chain(scopes.iter()).cloned().collect()
        };
        self
    }

    /// Requires at least one of these scopes. Each call adds a requirement of its own.
    ///
    /// No key has one of no scopes.
    pub fn any_of(mut self, scopes: Scopes) -> Self {
        insert(&mut self.any_of, scopes);
        self
    }

    /// Requires this role, besides those required before.
    pub fn role(mut self, role: Role) -> Self {
        insert(&mut self.roles, role);
        self
    }

    /// Requires that the client is one of these, and one of those of each earlier call.
    pub fn clients(mut self, clients: impl IntoIterator<Item = ClientId>) -> Self {
        let mut listed = vec![];
        for client in clients {
            insert(&mut listed, client);
        }
        if let Some(before) = &self.clients {
            listed.retain(|client| before.binary_search(client).is_ok());
        }
        self.clients = Some(listed);
        self
    }

    /// Returns what both requirements together require.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        for scopes in &other.any_of {
            self = self.any_of(scopes.clone());
        }
        for role in &other.roles {
            self = self.role(role.clone());
        }
        if let Some(clients) = &other.clients {
            self = self.clients(clients.iter().cloned());
        }
        self.all_of(other.all_of.clone())
    }

    /// Returns whether every valid key meets the requirement.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks a key, whether or not it is valid.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tower_rotating_auth::inbound::{AuthErrorKind, KeyRecord, Requirement};
    ///
    /// let (id, client) = ("k1".parse()?, "batch".parse()?);
    /// let record = Arc::new(KeyRecord::new(id, client, "chat:write".parse()?));
    /// let chat = Requirement::from("chat:write".parse::<tower_rotating_auth::inbound::Scopes>()?);
    /// assert!(chat.check(&record).is_ok());
    /// let error = chat.role("operator".parse()?).check(&record).unwrap_err();
    /// assert_eq!(error.kind(), AuthErrorKind::InsufficientScope);
    /// # Ok::<_, tower_rotating_auth::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`ClientNotAllowed`](AuthErrorKind::ClientNotAllowed) if the client
    /// is not on the list, and [`InsufficientScope`](AuthErrorKind::InsufficientScope) if a scope
    /// or a role is missing.
    pub fn check(&self, key: &Arc<KeyRecord>) -> Result<(), AuthError> {
        let is_listed = |clients: &Vec<ClientId>| clients.binary_search(key.client()).is_ok();
        if !self.clients.as_ref().is_none_or(is_listed) {
            return Err(AuthError::new(AuthErrorKind::ClientNotAllowed).of_key(key));
        }
        let held = key.scopes();
        let has_scopes = held.contains_all(&self.all_of)
            && self.any_of.iter().all(|scopes| held.contains_any(scopes));
        if !has_scopes {
            return Err(AuthError::insufficient_scope(self.wanted(held)).of_key(key));
        }
        if !self.roles.iter().all(|role| key.has_role(role)) {
            return Err(AuthError::new(AuthErrorKind::InsufficientScope).of_key(key));
        }
        Ok(())
    }

    /// Returns the scopes to name to a client that holds these: those that it could do without, it
    /// need not know.
    fn wanted(&self, held: &Scopes) -> Scopes {
        let unmet = self
            .any_of
            .iter()
            .filter(|scopes| !held.contains_any(scopes));
        let scopes = unmet.chain([&self.all_of]).flat_map(Scopes::iter);
        scopes.cloned().collect()
    }
}

/// Inserts a value into a sorted list, once.
fn insert<T: Ord>(list: &mut Vec<T>, value: T) {
    if let Err(place) = list.binary_search(&value) {
        list.insert(place, value);
    }
}

/// Requires each of these scopes.
impl FromStr for Requirement {
    type Err = ParseError;

    /// Parses scopes with spaces between them, all of which a key must have.
    fn from_str(scopes: &str) -> Result<Self, ParseError> {
        scopes.parse::<Scopes>().map(Self::from)
    }
}

impl From<Scopes> for Requirement {
    fn from(scopes: Scopes) -> Self {
        Self::new().all_of(scopes)
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = vec![];
        if !self.all_of.is_empty() {
            parts.push(self.all_of.to_string());
        }
        parts.extend(self.any_of.iter().map(|scopes| format!("one of {scopes}")));
        parts.extend(self.roles.iter().map(|role| format!("the role {role}")));
        let parts = if parts.is_empty() {
            "any scopes".to_owned()
        } else {
            parts.join(" and ")
        };
        f.write_str(&parts)?;
        match self.clients.as_deref() {
            None => Ok(()),
            Some([]) => f.write_str(", for no client"),
            Some(clients) => {
                let clients: Vec<_> = clients.iter().map(ClientId::as_str).collect();
                write!(f, ", only for {}", clients.join(" and "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;

    fn scopes(scopes: &str) -> Scopes {
        scopes.parse().unwrap()
    }

    fn key(client: &str, held: &str, roles: &[&str]) -> Arc<KeyRecord> {
        let roles = roles.iter().map(|role| role.parse().unwrap());
        let record = KeyRecord::new("k".parse().unwrap(), client.parse().unwrap(), scopes(held));
        Arc::new(record.with_roles(roles))
    }

    fn outcome(requirement: &Requirement, key: &Arc<KeyRecord>) -> Result<(), (u16, String)> {
        requirement.check(key).map_err(|error| {
            let named = error.required_scopes().map(ToString::to_string);
            (error.status().as_u16(), named.unwrap_or_else(|| "-".into()))
        })
    }

    #[test]
    fn each_part_must_be_met() {
        let requirement = Requirement::new()
            .all_of(scopes("a b"))
            .any_of(scopes("x y"))
            .role("operator".parse().unwrap())
            .clients(["one".parse().unwrap(), "two".parse().unwrap()]);
        let lacks = |named: &str| Err((403, named.to_owned()));
        for (client, held, roles, expected) in [
            ("one", "a b x", &["operator"][..], Ok(())),
            ("two", "a b y z", &["operator", "other"], Ok(())),
            ("one", "a x", &["operator"], lacks("a b")),
            ("one", "a b z", &["operator"], lacks("a b x y")),
            ("one", "a b x", &["other"], lacks("-")),
            ("one", "a x", &["other"], lacks("a b")),
            ("three", "a b x", &["operator"], lacks("-")),
        ] {
            let outcome = outcome(&requirement, &key(client, held, roles));
            assert_eq!(outcome, expected, "{client} {held} {roles:?}");
        }
    }

    #[test]
    fn empty_lists_admit_nobody() {
        let key = key("one", "a", &[]);
        let nobody = Requirement::new().clients([]);
        assert_eq!(outcome(&nobody, &key), Err((403, "-".into())));
        let none = Requirement::new().any_of(scopes(""));
        assert_eq!(outcome(&none, &key), Err((403, String::new())));
        assert_eq!(outcome(&Requirement::new(), &key), Ok(()));
    }

    fn requirement() -> impl Strategy<Value = Requirement> {
        let names = || subsequence(vec!["a", "b", "c"], 0..=3);
        let clients = proptest::option::of(subsequence(vec!["one", "two", "three"], 0..=3));
        (
            names(),
            proptest::option::of(names()),
            proptest::option::of(select(vec!["r", "s"])),
            clients,
        )
            .prop_map(|(all, any, role, clients)| {
                let mut requirement = Requirement::from(scopes(&all.join(" ")));
                if let Some(any) = any {
                    requirement = requirement.any_of(scopes(&any.join(" ")));
                }
                if let Some(role) = role {
                    requirement = requirement.role(role.parse().unwrap());
                }
                match clients {
                    Some(clients) => {
                        requirement.clients(clients.iter().map(|client| client.parse().unwrap()))
                    }
                    None => requirement,
                }
            })
    }

    proptest! {
        #[test]
        fn both_are_met_if_each_is(
            one in requirement(),
            other in requirement(),
            client in select(vec!["one", "two", "four"]),
            held in subsequence(vec!["a", "b", "c"], 0..=3),
            roles in subsequence(vec!["r", "s"], 0..=2),
        ) {
            let key = key(client, &held.join(" "), &roles);
            let each = one.check(&key).is_ok() && other.check(&key).is_ok();
            prop_assert_eq!(one.clone().and(&other).check(&key).is_ok(), each);
            prop_assert_eq!(one.clone().and(&other), other.and(&one));
        }
    }
}
