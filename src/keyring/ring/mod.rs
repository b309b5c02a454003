//! A key ring: one task that decides, persists and publishes, one operation after the other.

mod builder;
mod handle;
mod keeper;
mod not_changed;
mod operation;
mod outcome;
mod told;

pub use self::builder::KeyRingBuilder;
pub use self::handle::KeyRing;
pub use self::not_changed::{NotChanged, NotStarted};
pub use self::outcome::{Imported, Issued, Rotated};
