//! The layer that injects the current key into each request and replays rejected requests.

mod attempts;
mod future;
mod http_layer;
mod layer;
mod service;
mod shared;

pub use self::future::ResponseFuture;
pub use self::layer::InjectKeyLayer;
pub use self::service::InjectKey;
