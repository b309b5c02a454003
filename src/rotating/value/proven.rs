//! Whether the upstream has accepted a generation.

/// Whether the upstream has accepted a generation, as far as its answers show.
///
/// An answer proves a generation if it shows that the upstream looked at the key and accepted it;
/// 429 and 5xx do not. Until then a new key may not be active yet, and requests may fall back to
/// the previous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proven {
    /// No answer so far has shown that it was accepted.
    No,
    /// It was accepted, and has not been rejected since.
    Yes,
    /// It was accepted once, and has been rejected since.
    RejectedSince,
}
