//! The layer that injects the current key into each request and does not look at the answers.

mod layer;
mod service;

pub use self::layer::InjectKeyOnceLayer;
pub use self::service::InjectKeyOnce;
