//! Tower middleware for API keys that rotate while the service runs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::expect_used))]

mod rotating;
mod secret;
mod source;

pub use self::rotating::{
    BoxSource, Builder, Current, ErrorClass, Event, EventKind, Expiry, Fallback, Fetch, Fetched,
    Generation, InvalidLifetime, NotRefreshed, Pace, Publisher, Reason, Refreshing, Revision,
    Rotating, Source, SourceError, StartError, Status, Subscription, TryMap, Upkeep, Validate,
};
pub use self::secret::Secret;
#[cfg(feature = "file")]
pub use self::source::FileSource;
pub use self::source::{Pushed, Pusher, SourceFn, pushed, source_fn};
