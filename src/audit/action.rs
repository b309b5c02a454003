//! The action of an audit event.

/// The action of an [`AuditEvent`](crate::audit::AuditEvent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditAction {
    /// A key or a key set changed.
    Rotated,
    /// A source failed. The last value stays.
    RefreshFailed,
    /// The upstream accepted a generation for the first time.
    InUse,
    /// The upstream has not accepted a generation for the whole overlap.
    NeverAccepted,
    /// A rejected request was sent again with a newer key, which the upstream did not reject.
    Replayed,
    /// A rejected request was sent again with an older key, which the upstream did not reject.
    FellBack,
    /// A caller got no answer after a rejection.
    NotAnswered,
    /// A caller got the upstream's rejection.
    Rejected,
    /// A client used a key.
    Used,
    /// A request was refused.
    Refused,
    /// Further events like this had no line of their own.
    NotReported,
    /// A key ring published its keys.
    Published,
    /// A key ring issued a key.
    KeyIssued,
    /// A key ring imported a key.
    KeyImported,
    /// A key ring rotated a key.
    KeyRotated,
    /// A key ring revoked a key.
    KeyRevoked,
    /// A key ring gave a key an end, or an earlier one.
    KeyRetired,
    /// A key ring removed keys that had ended.
    KeysPurged,
    /// A key ring added a client.
    ClientAdded,
    /// A key ring enabled a client.
    ClientEnabled,
    /// A key ring disabled a client.
    ClientDisabled,
    /// A key ring changed the scopes or roles of a client, or the scopes of one of its roles.
    ClientChanged,
    /// A key ring could not read its store.
    ReloadFailed,
    /// A program applied a configuration.
    ConfigurationLoaded,
    /// A program did not apply a configuration, or a field of it.
    ConfigurationRejected,
    /// The subscriber was too slow for some events.
    Dropped,
    /// A kind of event that has no action of its own.
    Other,
}

impl AuditAction {
    /// Returns the action in a word or two, as in a JSON line. These words are stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rotated => "rotated",
            Self::RefreshFailed => "refresh_failed",
            Self::InUse => "in_use",
            Self::NeverAccepted => "never_accepted",
            Self::Replayed => "replayed",
            Self::FellBack => "fell_back",
            Self::NotAnswered => "not_answered",
            Self::Rejected => "rejected",
            Self::Used => "used",
            Self::Refused => "refused",
            Self::NotReported => "not_reported",
            Self::Published => "published",
            Self::KeyIssued => "key_issued",
            Self::KeyImported => "key_imported",
            Self::KeyRotated => "key_rotated",
            Self::KeyRevoked => "key_revoked",
            Self::KeyRetired => "key_retired",
            Self::KeysPurged => "keys_purged",
            Self::ClientAdded => "client_added",
            Self::ClientEnabled => "client_enabled",
            Self::ClientDisabled => "client_disabled",
            Self::ClientChanged => "client_changed",
            Self::ReloadFailed => "reload_failed",
            Self::ConfigurationLoaded => "configuration_loaded",
            Self::ConfigurationRejected => "configuration_rejected",
            Self::Dropped => "dropped",
            Self::Other => "other",
        }
    }

    /// Returns whether clients or the upstream can cause any number of such events.
    pub(crate) const fn may_flood(self) -> bool {
        matches!(
            self,
            Self::Replayed | Self::FellBack | Self::NotAnswered | Self::Rejected
        )
    }
}
