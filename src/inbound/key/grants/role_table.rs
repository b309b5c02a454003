//! The roles of a key file, and what a client and its keys are granted by them.

use std::collections::BTreeMap;

use super::role::Role;
use crate::inbound::key::scope::Scopes;

/// The scopes of each role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RoleTable(BTreeMap<Role, Scopes>);

/// Scopes and roles, of a client or of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    /// All scopes, those of the roles among them.
    pub(crate) scopes: Scopes,
    /// In alphabetical order, and each once.
    pub(crate) roles: Vec<Role>,
}

impl RoleTable {
    /// Adds a role. Returns whether its name is new.
    pub(crate) fn add(&mut self, role: Role, scopes: Scopes) -> bool {
        self.0.insert(role, scopes).is_none()
    }

    pub(crate) fn get(&self, role: &Role) -> Option<&Scopes> {
        self.0.get(role)
    }

    pub(crate) fn contains(&self, role: &Role) -> bool {
        self.0.contains_key(role)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Role, &Scopes)> {
        self.0.iter()
    }

    /// Returns what these scopes and roles grant together. An unknown role grants nothing.
    pub(crate) fn grants(&self, scopes: &Scopes, roles: &[Role]) -> Grants {
        if roles.is_empty() {
            // All keys of a client share one allocation of its scopes.
            return Grants {
                scopes: scopes.clone(),
                roles: Vec::new(),
            };
        }
        let of_roles = roles.iter().filter_map(|role| self.0.get(role));
        let scopes = of_roles.chain([scopes]).flat_map(Scopes::iter).cloned();
        let scopes = scopes.collect();
        let mut roles = roles.to_vec();
        roles.sort_unstable();
        roles.dedup();
        Grants { scopes, roles }
    }

    /// Returns the grants of a key: those of its client, or a part of them.
    ///
    /// Returns `None` if the key names a scope or a role that its client does not have.
    pub(crate) fn grants_of_key(
        &self,
        client: &Grants,
        scopes: Option<&Scopes>,
        roles: Option<&[Role]>,
    ) -> Option<Grants> {
        if scopes.is_none() && roles.is_none() {
            return Some(client.clone());
        }
        let none = Scopes::default();
        let own = self.grants(scopes.unwrap_or(&none), roles.unwrap_or_default());
        let is_part = client.scopes.contains_all(&own.scopes)
            && own.roles.iter().all(|role| client.roles.contains(role));
        is_part.then_some(own)
    }
}

impl FromIterator<(Role, Scopes)> for RoleTable {
    fn from_iter<I: IntoIterator<Item = (Role, Scopes)>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> RoleTable {
        [
            ("reader", "read list"),
            ("admin", "read write"),
            ("guest", "read"),
        ]
        .map(|(role, scopes)| (role.parse().unwrap(), scopes.parse().unwrap()))
        .into_iter()
        .collect()
    }

    fn roles(names: &[&str]) -> Vec<Role> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn role_grants_its_scopes_to_a_client() {
        let grants = table().grants(&"chat".parse().unwrap(), &roles(&["reader", "reader"]));
        assert_eq!(grants.scopes.to_string(), "chat list read");
        assert_eq!(grants.roles, roles(&["reader"]));
    }

    #[test]
    fn key_gets_a_part_of_its_client() {
        let table = table();
        let client = table.grants(&"chat".parse().unwrap(), &roles(&["reader"]));
        let of_key = |scopes: Option<&str>, names: Option<&[&str]>| {
            let scopes: Option<Scopes> = scopes.map(|scopes| scopes.parse().unwrap());
            let roles = names.map(roles);
            let grants = table.grants_of_key(&client, scopes.as_ref(), roles.as_deref())?;
            Some((grants.scopes.to_string(), grants.roles.len()))
        };
        assert_eq!(of_key(None, None), Some(("chat list read".into(), 1)));
        // A key that names scopes alone has no role, whatever its client has.
        assert_eq!(of_key(Some("read"), None), Some(("read".into(), 0)));
        assert_eq!(
            of_key(None, Some(&["reader"])),
            Some(("list read".into(), 1))
        );
        assert_eq!(of_key(Some(""), None), Some((String::new(), 0)));
        assert_eq!(of_key(Some("write"), None), None);
        assert_eq!(of_key(None, Some(&["admin"])), None);
        // The scopes of a role are not the role.
        assert_eq!(of_key(None, Some(&["guest"])), None);
    }
}
