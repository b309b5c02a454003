//! The policy's decision for a request.

use std::fmt;

use super::access::Access;

/// The access rule for a request, and the reason for it.
///
/// [`RoutePolicy::explain`](crate::inbound::policy::RoutePolicy::explain) returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    access: Access,
    reason: DecisionReason,
}

impl Decision {
    pub(crate) const fn new(access: Access, reason: DecisionReason) -> Self {
        Self { access, reason }
    }

    /// Returns what the route requires of the client.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// Returns the reason for the decision.
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

/// The reason for a [`Decision`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecisionReason {
    /// An entry matches the path.
    Exact,
    /// An entry matches the router's template.
    Template,
    /// The path or the method may be read as one for which an entry requires more of the client.
    OtherSpelling,
    /// No entry matches. The rule for unlisted routes applies.
    Unlisted,
    /// The path can be read in more than one way, and so no entry can exempt it. The rule for
    /// unlisted routes applies.
    SuspiciousPath,
}

impl fmt::Display for DecisionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "the path is listed",
            Self::Template => "the template is listed",
            Self::OtherSpelling => "another spelling of the request is listed",
            Self::Unlisted => "not listed",
            Self::SuspiciousPath => "a path that can be read in more than one way",
        })
    }
}
