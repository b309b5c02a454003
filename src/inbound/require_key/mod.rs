//! The layer that lets in only requests with a valid key.

mod future;
mod gate;
mod guarded_body;
mod layer;
mod original_uri;
mod refusal_log;
mod service;

pub use self::future::ResponseFuture;
pub use self::guarded_body::{GuardedBody, KeyEnded};
pub use self::layer::{DangerouslyOpen, NotLoopback, RequireKeyLayer};
pub use self::service::RequireKey;
