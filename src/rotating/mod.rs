//! A value that one task keeps up to date while many requests read it.
//!
//! [`Rotating`] holds the current value together with its [`Generation`]. A
//! request loads both with one atomic read and keeps that [`Current`] for as long as it needs it.
//! One refresh task asks the [`Source`](crate::source::Source), compares what it delivers with the
//! current value, and publishes what is new.
//!
//! ```
//! use tower_rotating_auth::{Rotating, Secret, source::channel};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_rotating_auth::rotating::StartError> {
//! let (sender, source) = channel();
//! sender.send(Secret::from("sk-1"));
//! let key = Rotating::start(source).await?;
//!
//! let before = key.current();
//! let mut changes = key.subscribe();
//! sender.send(Secret::from("sk-2"));
//! changes.changed().await.expect("the refresh task is running");
//!
//! assert_eq!(before.expose_secret(), b"sk-1"); // what was loaded does not change
//! assert_eq!(key.current().expose_secret(), b"sk-2");
//! assert!(key.current().generation() > before.generation());
//! # Ok(())
//! # }
//! ```
//!
//! # When the source is asked
//!
//! - **On a schedule**: ahead of the value's expiry, which [`RotatingBuilder::refresh_ahead`] sets, or
//!   at the interval that the source or [`RotatingBuilder::poll`] sets.
//! - **On a hint**: when [`Source::changed`](crate::source::Source::changed) resolves.
//! - **On a rejection**: when [`Rotating::refresh_newer_than`](crate::Rotating::refresh_newer_than)
//!   reports that the current generation does not work any more. Concurrent reports share one
//!   round of fetches, and a storm guard limits how often they can start one.
//! - **On request**: when [`Rotating::refresh`](crate::Rotating::refresh) is called.
//!
//! # Caveats
//!
//! - A failed refresh never removes the value. An expired value is served until a newer one
//!   arrives, because the upstream decides what it accepts. See [`Current::expired_at`].
//! - The refresh task runs on the tokio runtime on which the value was started. When that runtime
//!   stops, [`Status::refresh_state`] is [`RefreshState::Stopped`] and the last value stays.
//! - A value that expired before it arrived is an error, since a wrong clock is the usual cause.

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
pub use self::engine::RefreshAhead;
pub use self::error::{RefreshError, RefreshErrorKind, StartError, StartErrorKind};
pub(crate) use self::event::{Emit, Events, Observer, TraceEvent};
pub use self::event::{Event, EventKind};
pub use self::handle::Rotating;
pub use self::publisher::Publisher;
pub use self::refreshing::Refreshing;
pub use self::status::{RefreshState, Status, Subscription};
pub use self::value::Current;
pub(crate) use self::value::{Content, Deadline, Generations, Health, Replaced, Stateless};
pub use crate::generation::Generation;
