//! The layer and the service that require a valid key.

mod authenticator;
mod dangerously_open;
mod future;
mod guarded_body;
mod layer;
mod log_limiter;
mod preflight;
mod router;
mod service;

pub use self::dangerously_open::DangerouslyOpen;
pub use self::future::ResponseFuture;
pub use self::guarded_body::{GuardedBody, KeyEndedError};
pub use self::layer::RequireKeyLayer;
pub use self::service::RequireKey;
