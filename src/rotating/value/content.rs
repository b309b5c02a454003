//! A value with its generation.

use crate::clock::Now;
use crate::generation::Generation;

/// A value with its generation, and what is known about that generation.
///
/// It is shared by all snapshots of one generation.
pub(crate) struct Content<T, S> {
    pub(crate) value: T,
    pub(crate) generation: Generation,
    /// When the source was asked for the value.
    pub(crate) obtained: Now,
    /// What its users keep beside the value for as long as the generation lives.
    pub(crate) state: S,
}
