//! The layer and the service that require a valid key.

mod authenticate;
mod body;
mod cache;
mod checks;
mod dangerously_open;
mod future;
mod hidden;
mod layer;
mod preflight;
mod router;
mod service;

pub use self::body::{GuardedBody, KeyEndedError, RequestBody};
pub use self::dangerously_open::DangerouslyOpen;
pub use self::future::ResponseFuture;
pub use self::layer::RequireKeyLayer;
pub(crate) use self::router::matched_template;
pub use self::service::RequireKey;
