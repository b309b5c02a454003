//! The published value.

mod content;
mod deadline;
mod generations;
mod health;
mod snapshot;

pub(crate) use self::content::Content;
pub(crate) use self::deadline::Deadline;
pub(crate) use self::generations::{Generations, Replaced, Stateless};
pub(crate) use self::health::Health;
pub use self::snapshot::Current;
pub(crate) use self::snapshot::{Cell, Snapshot};
