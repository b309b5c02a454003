//! One client, as a key file or a key ring keeps it.

use crate::inbound::key::{ClientId, Role, Scopes};

/// A client: its id, its scopes, and whether its keys are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientEntry {
    pub(crate) id: ClientId,
    pub(crate) scopes: Scopes,
    pub(crate) roles: Vec<Role>,
    pub(crate) state: ClientState,
}

/// The state of a client, which applies to all its keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientState {
    /// Its keys are accepted, each as it is.
    #[default]
    Enabled,
    /// None of its keys is accepted until the client is enabled.
    Disabled,
}

impl ClientEntry {
    /// Creates an enabled client.
    #[must_use]
    pub const fn new(id: ClientId, scopes: Scopes) -> Self {
        Self {
            id,
            scopes,
            roles: Vec::new(),
            state: ClientState::Enabled,
        }
    }

    /// Sets the roles of the client, whose scopes it has besides its own. Defaults to none.
    #[must_use]
    pub fn with_roles(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        self.roles = roles.into_iter().collect();
        self
    }

    /// Sets the scopes of the client, besides those of its roles.
    #[must_use]
    pub(crate) fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// Sets whether its keys are accepted.
    #[must_use]
    pub const fn with_state(mut self, state: ClientState) -> Self {
        self.state = state;
        self
    }

    /// Returns the id of the client.
    #[must_use]
    pub const fn id(&self) -> &ClientId {
        &self.id
    }

    /// Returns the roles of the client. In a key file: `roles`.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// Returns the scopes of the client, without those of its roles. A key has all of them and all
    /// roles, or a part.
    #[must_use]
    pub const fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Returns whether its keys are accepted.
    #[must_use]
    pub const fn state(&self) -> ClientState {
        self.state
    }
}
