//! The two ways of a message.

/// The way that a header goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    /// From a client to the upstream.
    Request,
    /// From the upstream to a client.
    Response,
}
