//! The engine: a value that is swapped whole, under a generation, by one task that asks one source.
//!
//! Data flows one way. The [`Source`](crate::source::Source) is asked by the driver, as the plan says; what it delivers is
//! compared with the current value and published in one [`Current`] snapshot; a request loads that
//! exactly once.

mod builder;
mod engine;
mod error;
mod event;
mod handle;
mod publisher;
mod refreshing;
mod shared;
mod status;
#[cfg(test)]
mod tests;
mod value;

pub use self::builder::RotatingBuilder;
pub use self::error::{RefreshError, RefreshErrorKind, StartError, StartErrorKind};
pub use self::event::{Event, EventKind};
pub use self::handle::Rotating;
pub use self::publisher::Publisher;
pub use self::refreshing::Refreshing;
pub use self::status::{RefreshState, Status, Subscription};
pub use self::value::Current;
pub(crate) use self::value::Proven;
pub use crate::generation::Generation;
