//! The access rules of routes.

use std::fmt;

use crate::inbound::requirement::Requirement;

/// What a route requires of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// No key. The layer does not check a key in the request, but still removes it.
    Public,
    /// A valid key or none. An invalid key is refused.
    Optional,
    /// A valid key or none. An invalid key counts as none.
    OptionalLenient,
    /// A valid key that meets this requirement.
    Required(Requirement),
    /// The route is closed to everyone.
    Deny,
}

impl Access {
    /// Returns whether the route serves clients without a key.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_rotating_auth::{inbound::Requirement, inbound::policy::Access};
    ///
    /// assert!(Access::Optional.is_open());
    /// assert!(!Access::Required(Requirement::new()).is_open());
    /// ```
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Public | Self::Optional | Self::OptionalLenient => true,
            Self::Required(_) | Self::Deny => false,
        }
    }

    /// Returns what both rules together require of a client.
    #[must_use]
    pub(crate) fn and(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Deny, _) | (_, Self::Deny) => Self::Deny,
            (Self::Required(ours), Self::Required(theirs)) => Self::Required(ours.and(theirs)),
            (closed @ Self::Required(_), _) => closed,
            (_, closed @ Self::Required(_)) => closed.clone(),
            (open, _) => open,
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::Optional => f.write_str("a key is optional"),
            Self::OptionalLenient => f.write_str("a key is optional, a bad one counts as none"),
            Self::Required(any) if any.is_empty() => f.write_str("needs a key"),
            Self::Required(requirement) => write!(f, "needs a key with {requirement}"),
            Self::Deny => f.write_str("denied"),
        }
    }
}
