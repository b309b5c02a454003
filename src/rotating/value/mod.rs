//! The published value.

mod content;
mod deadline;
mod generations;
mod snapshot;
mod standing;

pub(crate) use self::content::Content;
pub(crate) use self::deadline::Deadline;
pub(crate) use self::generations::{Generations, Replaced, Stateless};
pub use self::snapshot::Current;
pub(crate) use self::snapshot::{Cell, Snapshot};
pub(crate) use self::standing::Standing;
