//! Whether the upstream has accepted a generation.

/// Whether the upstream has accepted a generation, as far as its answers show.
///
/// An answer that is not a rejection proves a generation: the upstream takes that key. Until then a
/// new key may not be active yet, and requests may fall back to the previous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proven {
    /// No answer so far, or only rejections.
    No,
    /// It was accepted, and has not been rejected since.
    Yes,
    /// It was accepted once, and has been rejected since.
    RejectedSince,
}
