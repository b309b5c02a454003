//! Layers whose key can replace a header that the caller has set.

/// A layer whose key can replace a header that the caller has set.
///
/// [`RotatingAuthLayer`](crate::RotatingAuthLayer) turns this on for every layer that it stacks on
/// the inbound half, so that no client can push the gateway's own key aside. The inbound half
/// strips the locations that it reads keys from.
pub trait OverrideExisting {
    /// Removes headers of the same name as a key's that the caller has set, and all that a server
    /// could take for one of them, from every request, whether or not it gets a key.
    #[must_use]
    fn override_everywhere(self) -> Self;
}
