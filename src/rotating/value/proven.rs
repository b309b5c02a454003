//! Whether the upstream has taken a value.

/// Whether a generation ever got an answer that was not a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proven {
    No,
    Yes,
    /// It did, and the last that was heard of it is a rejection.
    RejectedSince,
}
