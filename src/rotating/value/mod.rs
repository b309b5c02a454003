//! The current value, as it is published.

mod content;
mod previous;
mod proven;
mod snapshot;

pub(crate) use self::content::Content;
pub(crate) use self::previous::Previous;
pub(crate) use self::proven::Proven;
pub use self::snapshot::Current;
pub(crate) use self::snapshot::{Cell, Snapshot};
