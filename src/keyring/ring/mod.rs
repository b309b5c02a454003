//! The key ring: one task that decides, persists and publishes, one operation after the other.

mod builder;
mod disclosed;
mod error;
mod events;
mod handle;
mod operation;
mod outcome;
mod roles;
mod task;

pub use self::builder::KeyRingBuilder;
pub use self::error::{KeyRingError, KeyRingErrorKind};
pub use self::handle::KeyRing;
pub use self::outcome::{Imported, Issued, Rotated};
