//! Layers whose key can replace a header that the caller has set.

/// A layer whose key can replace a header that the caller has set.
///
/// [`RotatingAuthLayer`](crate::RotatingAuthLayer) turns this on for every layer that it stacks on
/// the inbound half, so that no client can push the gateway's own key aside. A request that gets no
/// key keeps the header. The inbound half strips the locations that it reads keys from.
pub trait OverrideExisting {
    /// Replaces a header of the same name that the caller has set.
    #[must_use]
    fn override_existing(self) -> Self;
}
