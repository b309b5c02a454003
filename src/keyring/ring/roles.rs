//! Operations on roles.

use super::error::KeyRingError;
use super::handle::KeyRing;
use crate::inbound::{ClientId, Role, Scopes};

impl KeyRing {
    /// Sets the roles of a client. Creates the client, without scopes of its own, if it does not
    /// exist.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotAllowed`](crate::keyring::KeyRingErrorKind::NotAllowed) if
    /// there is no such role, or if an active key of this client has a role or a scope that the
    /// client would not have. The kind is
    /// [`Store`](crate::keyring::KeyRingErrorKind::Store),
    /// [`Unknown`](crate::keyring::KeyRingErrorKind::Unknown),
    /// [`Conflict`](crate::keyring::KeyRingErrorKind::Conflict) or
    /// [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if the change could not be
    /// written.
    pub async fn set_roles(
        &self,
        client: &ClientId,
        roles: impl IntoIterator<Item = Role>,
    ) -> Result<(), KeyRingError> {
        let client = client.clone();
        let roles: Vec<_> = roles.into_iter().collect();
        self.change(move |state, now| state.set_roles(&client, &roles, now))
            .await
    }

    /// Sets the scopes of a role. Creates the role if it does not exist.
    ///
    /// All clients with this role have the scopes from the next request on.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_rotating_auth::keyring::{IssueRequest, KeyRing, MemoryStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let ring = KeyRing::start(MemoryStore::default()).await?;
    /// let (operator, client) = ("operator".parse()?, "ops".parse()?);
    /// ring.set_role_scopes(&operator, "models:read models:write".parse()?).await?;
    /// ring.set_roles(&client, [operator]).await?;
    /// ring.issue(IssueRequest::new(client)).await?;
    /// assert_eq!(ring.list()[0].scopes, "models:read models:write".parse()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotAllowed`](crate::keyring::KeyRingErrorKind::NotAllowed) if an
    /// active key of a client with this role has a scope that the client would not have. The kind is
    /// [`Store`](crate::keyring::KeyRingErrorKind::Store),
    /// [`Unknown`](crate::keyring::KeyRingErrorKind::Unknown),
    /// [`Conflict`](crate::keyring::KeyRingErrorKind::Conflict) or
    /// [`OlderState`](crate::keyring::KeyRingErrorKind::OlderState) if the change could not be
    /// written.
    pub async fn set_role_scopes(&self, role: &Role, scopes: Scopes) -> Result<(), KeyRingError> {
        let role = role.clone();
        self.change(move |state, now| state.set_role_scopes(&role, &scopes, now))
            .await
    }
}
