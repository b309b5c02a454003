//! Tower middleware for API keys that rotate while the service runs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::expect_used))]

mod inbound;
mod key;
mod layer;
mod outbound;
mod rotating;
mod secret;
mod source;

pub use self::inbound::{
    Access, Audit, AuditError, AuditedRoute, Decision, InvalidPolicy, InvalidScope, Policies,
    PolicyEntry, Scope, Scopes, Why,
};
pub use self::key::InvalidKey;
pub use self::layer::RotatingAuthLayer;
pub use self::outbound::{
    Carry, CloneBody, Credential, Http, InjectKey, InjectOnce, Injected, InjectedOnce, Inspect,
    InvalidOrigin, NotReplayed, Origin, Outcome, Rejection, Replay, ResponseFuture, SavedRequest,
    Target,
};
pub use self::rotating::{
    BoxSource, Builder, Current, ErrorClass, Event, EventKind, Expiry, Fallback, Fetch, Fetched,
    Generation, InvalidLifetime, NotRefreshed, Pace, Publisher, Reason, Refreshing, Revision,
    Rotating, Source, SourceError, StartError, Status, Subscription, TryMap, Upkeep, Validate,
};
pub use self::secret::Secret;
pub use self::source::{Pushed, Pusher, SecretSource, SourceFn, pushed, source_fn};
