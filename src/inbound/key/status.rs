//! The status of a key at a moment.

use std::fmt;

/// Whether a key is accepted at a moment and, if not, why.
///
/// | | `Active` | `InGrace` | `NotYetValid` | `Expired` | `Revoked` | `Disabled` | `Unknown` |
/// |---|---|---|---|---|---|---|---|
/// | [`KeyRecord::status_at`] | ✓ | | ✓ | ✓ | ✓ | ✓ | |
/// | the error of [`verify_at`] | | | ✓ | ✓ | ✓ | ✓ | ✓ |
/// | [`KeyPrincipal::ended`] | | | ✓ | ✓ | ✓ | ✓ | ✓ |
/// | [`KeySummary::status`] | ✓ | ✓ | ✓ | ✓ | ✓ | | |
///
/// [`KeyRecord::status_at`]: crate::inbound::KeyRecord::status_at
/// [`verify_at`]: crate::inbound::verify_at
/// [`KeyPrincipal::ended`]: crate::inbound::KeyPrincipal::ended
/// [`KeySummary::status`]: crate::keyring::KeySummary::status
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyStatus {
    /// The key is accepted.
    Active,
    /// The key is accepted until its grace ends: a rotation has replaced it.
    InGrace,
    /// The key is not accepted before its `not_before`.
    NotYetValid,
    /// The key is no longer accepted: the moment of its `not_after` has come.
    Expired,
    /// The key was revoked.
    Revoked,
    /// The key's client is disabled.
    Disabled,
    /// The key is not in the key set: it was never issued, or was removed.
    Unknown,
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Active => "active",
            Self::InGrace => "in grace",
            Self::NotYetValid => "not yet valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
            Self::Unknown => "unknown",
        })
    }
}
