//! The clients and keys of a key ring, as a value.

mod change;
mod check;
mod succeed;
mod summary;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

pub use self::change::Change;
pub use self::summary::{Ageing, KeySummary, KeyWarning};
use super::issuance_policy::IssuancePolicy;
use crate::inbound::entries::earlier;
pub use crate::inbound::entries::{ClientEntry, ClientState, KeyEntry};
use crate::inbound::{ClientId, KeyDigest, KeyId, KeySet, KeySetError, Role, RoleTable, Scopes};
use crate::shards::Shards;

/// All clients and keys of a key ring at one serial: what a [`Store`](crate::keyring::Store) keeps.
///
/// A state is a value. A clone shares all its content and costs next to nothing. Applying a
/// [`Change`] returns a new state, which shares everything that has not changed.
///
/// # Examples
///
/// ```
/// use tower_rotating_auth::inbound::Scopes;
/// use tower_rotating_auth::keyring::{ClientEntry, KeyEntry, KeyRingState, NewKey};
///
/// let key = NewKey::generate()?;
/// let client = ClientEntry::new("open-webui".parse()?, Scopes::default());
/// let entry = KeyEntry::new(key.id().clone(), client.id().clone(), key.digest());
/// let state = KeyRingState::new(1, [client], [entry])?;
/// assert_eq!(state.key(key.id()).unwrap().client().as_str(), "open-webui");
/// assert_eq!(state.key_set().len(), 1);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeyRingState {
    serial: u64,
    /// The operations of a ring leave them as they are.
    roles: Arc<RoleTable>,
    clients: Shards<ClientId, Arc<Client>>,
    keys: Shards<KeyId, Arc<KeyEntry>>,
    policy: Arc<IssuancePolicy>,
    /// The key set to publish. It also finds keys by their digest.
    set: KeySet,
}

/// A client, and the ids of its keys.
#[derive(Clone)]
struct Client {
    entry: ClientEntry,
    keys: Vec<KeyId>,
}

impl KeyRingState {
    /// Returns a state without clients and keys, at serial 0.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            serial: 0,
            roles: Arc::default(),
            clients: Shards::new(),
            keys: Shards::new(),
            policy: Arc::default(),
            set: KeySet::empty(),
        }
    }

    /// Creates a state from what a store has kept.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`DuplicateClient`], [`DuplicateId`], [`DuplicateKey`],
    /// [`NeverValid`], [`WellKnown`], [`UnknownClient`] or [`ScopeExceedsClient`].
    ///
    /// [`DuplicateClient`]: crate::inbound::KeySetErrorKind::DuplicateClient
    /// [`DuplicateId`]: crate::inbound::KeySetErrorKind::DuplicateId
    /// [`DuplicateKey`]: crate::inbound::KeySetErrorKind::DuplicateKey
    /// [`NeverValid`]: crate::inbound::KeySetErrorKind::NeverValid
    /// [`WellKnown`]: crate::inbound::KeySetErrorKind::WellKnown
    /// [`UnknownClient`]: crate::inbound::KeySetErrorKind::UnknownClient
    /// [`ScopeExceedsClient`]: crate::inbound::KeySetErrorKind::ScopeExceedsClient
    pub fn new<C, K>(serial: u64, clients: C, keys: K) -> Result<Self, KeySetError>
    where
        C: IntoIterator<Item = ClientEntry>,
        K: IntoIterator<Item = KeyEntry>,
    {
        Self::with_table(serial, RoleTable::default(), clients, keys)
    }

    /// Creates a state with roles, whose scopes its clients have besides their own.
    ///
    /// [`KeyRing::set_role_scopes`](crate::keyring::KeyRing::set_role_scopes) changes them later.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`new`](Self::new).
    pub fn with_roles<R, C, K>(
        serial: u64,
        roles: R,
        clients: C,
        keys: K,
    ) -> Result<Self, KeySetError>
    where
        R: IntoIterator<Item = (Role, Scopes)>,
        C: IntoIterator<Item = ClientEntry>,
        K: IntoIterator<Item = KeyEntry>,
    {
        Self::with_table(serial, roles.into_iter().collect(), clients, keys)
    }

    pub(crate) fn with_table<C, K>(
        serial: u64,
        roles: RoleTable,
        clients: C,
        keys: K,
    ) -> Result<Self, KeySetError>
    where
        C: IntoIterator<Item = ClientEntry>,
        K: IntoIterator<Item = KeyEntry>,
    {
        let mut state = Self {
            roles: Arc::new(roles),
            ..Self::empty()
        };
        for entry in clients {
            if state.client(&entry.id).is_some() {
                return Err(KeySetError::duplicate_client(entry.id));
            }
            state.put_client(entry);
        }
        for entry in keys {
            state.check(&entry)?;
            if state.key(&entry.id).is_some() {
                return Err(KeySetError::duplicate_id(entry.id));
            }
            state.put_key(entry);
        }
        Ok(state.with_serial(serial))
    }

    /// Returns the number of the state. Each change raises it by one; a ring never accepts a lower
    /// one.
    #[must_use]
    pub const fn serial(&self) -> u64 {
        self.serial
    }

    /// Returns the roles and their scopes, in alphabetical order.
    pub fn roles(&self) -> impl Iterator<Item = (&Role, &Scopes)> {
        self.roles.iter()
    }

    pub(crate) fn role_table(&self) -> &RoleTable {
        &self.roles
    }

    /// Returns the clients, in no order.
    pub fn clients(&self) -> impl Iterator<Item = &ClientEntry> {
        self.clients.values().map(|client| &client.entry)
    }

    /// Returns all keys, including revoked and expired ones, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &KeyEntry> {
        self.keys.values().map(AsRef::as_ref)
    }

    /// Returns the client with this id.
    #[must_use]
    pub fn client(&self, id: &ClientId) -> Option<&ClientEntry> {
        self.clients.get(id).map(|client| &client.entry)
    }

    /// Returns the key with this id.
    #[must_use]
    pub fn key(&self, id: &KeyId) -> Option<&KeyEntry> {
        self.keys.get(id).map(AsRef::as_ref)
    }

    /// Returns the key with this digest.
    #[must_use]
    pub fn key_of(&self, digest: &KeyDigest) -> Option<&KeyEntry> {
        self.key(self.set.find(digest)?.id())
    }

    /// Returns the keys of a client, oldest first.
    pub fn keys_of(&self, client: &ClientId) -> impl Iterator<Item = &KeyEntry> {
        let client = self.clients.get(client);
        let ids = client.map_or(&[][..], |client| &client.keys);
        ids.iter().filter_map(|id| self.key(id))
    }

    /// Returns the key set for a [`RequireKeyLayer`](crate::inbound::RequireKeyLayer).
    #[must_use]
    pub const fn key_set(&self) -> &KeySet {
        &self.set
    }

    /// Returns the state after a change, at the next serial.
    ///
    /// # Errors
    ///
    /// Returns the error of [`new`](Self::new) if that would refuse the result, and one of kind
    /// [`LastSerial`](crate::inbound::KeySetErrorKind::LastSerial) if there is no next serial.
    pub fn apply(&self, change: &Change) -> Result<Self, KeySetError> {
        let mut next = self.clone();
        for id in &change.purged {
            next.forget(id);
        }
        next.put_roles(&change.roles);
        let of_roles = next.clients_of_any(&change.roles);
        for entry in of_roles.iter().chain(&change.clients) {
            next.put_client(entry.clone());
        }
        for entry in &change.keys {
            next.check(entry)?;
            next.put_key(entry.clone());
        }
        for ClientEntry { id, .. } in of_roles.iter().chain(&change.clients) {
            let Some(client) = next.client(id) else {
                continue;
            };
            for key in next.keys_of(id) {
                key.grants(client, &next.roles)?;
            }
        }
        let serial = self.serial.checked_add(1);
        let serial = serial.ok_or_else(KeySetError::last_serial)?;
        Ok(next.with_serial(serial))
    }

    /// Returns the same state under another policy.
    pub(crate) fn under(mut self, policy: &Arc<IssuancePolicy>) -> Self {
        let before = std::mem::replace(&mut self.policy, Arc::clone(policy));
        if before.max_age == policy.max_age {
            return self;
        }
        let entries: Vec<_> = self.keys.values().cloned().collect();
        for entry in entries {
            if before.max_age.ends(entry.created_at) != policy.max_age.ends(entry.created_at) {
                self.publish(&entry);
            }
        }
        self
    }

    pub(crate) fn policy(&self) -> &IssuancePolicy {
        &self.policy
    }

    /// Returns when a key ends by itself: as its entry says, or when it is too old for the policy.
    pub(crate) fn ends_at(&self, entry: &KeyEntry) -> Option<SystemTime> {
        earlier(entry.ends_at(), self.policy.max_age.ends(entry.created_at))
    }

    /// Puts the record of a key into the key set.
    fn publish(&mut self, entry: &KeyEntry) {
        if let Some(client) = self.clients.get(&entry.client) {
            let too_old = self.policy.max_age.ends(entry.created_at);
            // An entry that was not checked against its client grants nothing.
            let grants = entry.grants(&client.entry, &self.roles).unwrap_or_default();
            let record = entry.record(&client.entry, grants, too_old);
            self.set.put(entry.digest, record);
        }
    }

    fn with_serial(mut self, serial: u64) -> Self {
        self.serial = serial;
        self.set = self.set.with_serial(serial);
        self
    }

    /// Checks that the entry fits into the state.
    fn check(&self, entry: &KeyEntry) -> Result<(), KeySetError> {
        let id = || entry.id.clone();
        let Some(client) = self.client(&entry.client) else {
            return Err(KeySetError::unknown_client(id(), entry.client.clone()));
        };
        entry.check(client, &self.roles)?;
        if let Some(other) = self.key_of(&entry.digest) {
            if other.id != entry.id {
                return Err(KeySetError::duplicate_key(other.id.clone(), id()));
            }
        }
        match self.key(&entry.id) {
            Some(before) if before.digest != entry.digest || before.client != entry.client => {
                Err(KeySetError::duplicate_id(id()))
            }
            _ => Ok(()),
        }
    }

    /// Inserts roles. The keys of their clients are to be published again.
    fn put_roles(&mut self, roles: &[(Role, Scopes)]) {
        if !roles.is_empty() {
            let table = Arc::make_mut(&mut self.roles);
            for (role, scopes) in roles {
                table.add(role.clone(), scopes.clone());
            }
        }
    }

    /// Returns the clients with one of these roles.
    fn clients_of_any(&self, roles: &[(Role, Scopes)]) -> Vec<ClientEntry> {
        let has_one = |client: &&ClientEntry| {
            let mut roles = roles.iter();
            roles.any(|(role, _)| client.roles.contains(role))
        };
        self.clients().filter(has_one).cloned().collect()
    }

    /// Inserts a client, and publishes its keys again.
    fn put_client(&mut self, entry: ClientEntry) {
        let id = entry.id.clone();
        let before = self.clients.get(&id);
        let keys = before.map(|client| client.keys.clone()).unwrap_or_default();
        let entries: Vec<_> = keys.iter().filter_map(|id| self.keys.get(id)).collect();
        let entries: Vec<_> = entries.into_iter().cloned().collect();
        drop(self.clients.insert(id, Arc::new(Client { entry, keys })));
        for entry in entries {
            self.publish(&entry);
        }
    }

    /// Inserts a [checked](Self::check) key.
    fn put_key(&mut self, mut entry: KeyEntry) {
        if self.keys.get(&entry.id).is_none() {
            if let Some(client) = self.clients.get_mut(&entry.client) {
                // All keys of a client share one allocation of its id.
                entry.client = client.entry.id.clone();
                Arc::make_mut(client).keys.push(entry.id.clone());
            }
        }
        self.publish(&entry);
        drop(self.keys.insert(entry.id.clone(), Arc::new(entry)));
    }

    fn forget(&mut self, id: &KeyId) {
        let Some(entry) = self.keys.remove(id) else {
            return;
        };
        self.set.take(&entry.digest);
        if let Some(client) = self.clients.get_mut(&entry.client) {
            Arc::make_mut(client).keys.retain(|other| other != id);
        }
    }
}

impl PartialEq for KeyRingState {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
            && self.roles == other.roles
            && self.clients.len() == other.clients.len()
            && self
                .clients()
                .all(|client| other.client(&client.id) == Some(client))
            && self.keys == other.keys
    }
}

impl Eq for KeyRingState {}

impl fmt::Debug for KeyRingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRingState")
            .field("serial", &self.serial)
            .field("clients", &self.clients.len())
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}
