//! What the policies say of a request, and why.

use std::fmt;

use super::access::Access;

/// What the policies say of a request, and why. Made by [`RoutePolicy::explain`](crate::inbound::policy::RoutePolicy::explain).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    access: Access,
    reason: DecisionReason,
}

impl Decision {
    pub(crate) const fn new(access: Access, reason: DecisionReason) -> Self {
        Self { access, reason }
    }

    /// What is asked of the caller.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// What that rests on.
    #[must_use]
    pub const fn reason(&self) -> DecisionReason {
        self.reason
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { access, reason } = self;
        write!(f, "{access} ({reason})")
    }
}

/// What a [`Decision`] rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecisionReason {
    /// An entry for the very path.
    Exact,
    /// An entry for the template that the router matched.
    Template,
    /// No entry: the rule for what is not listed.
    Unlisted,
    /// As above, since the path could be read in more than one way and no exemption is for it.
    SuspiciousPath,
}

impl fmt::Display for DecisionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "the path is listed",
            Self::Template => "the template is listed",
            Self::Unlisted => "not listed",
            Self::SuspiciousPath => "a path that can be read in more than one way",
        })
    }
}
