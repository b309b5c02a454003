//! The engine: a value that is swapped whole, under a generation, by one task that asks one source.
//!
//! Data flows one way. The [`Source`] is asked by the driver, as the plan says; what it delivers is
//! compared with the current value and published in one [`Current`] snapshot; a request loads that
//! exactly once.

mod adapt;
mod attempt;
mod builder;
mod desk;
mod driver;
mod error;
mod event;
mod expiry;
mod guard;
mod handle;
mod plan;
mod previous;
mod publisher;
mod refreshing;
mod schedule;
mod snapshot;
mod source;
mod status;

pub use self::adapt::{BoxSource, Fallback, TryMap, Validate};
pub use self::builder::Builder;
pub(crate) use self::builder::WallClock;
pub use self::error::{ErrorClass, NotRefreshed, SourceError, StartError};
pub use self::event::{Event, EventKind};
pub use self::expiry::{Expiry, InvalidLifetime};
pub(crate) use self::guard::Proven;
pub use self::handle::Rotating;
pub use self::publisher::Publisher;
pub use self::refreshing::Refreshing;
pub use self::snapshot::{Current, Generation};
pub use self::source::{Fetch, Fetched, Pace, Reason, Revision, Source};
pub use self::status::{Status, Subscription, Upkeep};
