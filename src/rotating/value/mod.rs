//! The published value.

mod content;
mod deadline;
mod proven;
mod snapshot;

pub(crate) use self::content::Content;
pub(crate) use self::deadline::Deadline;
pub(crate) use self::proven::Proven;
pub use self::snapshot::Current;
pub(crate) use self::snapshot::{Cell, Previous, Snapshot};
