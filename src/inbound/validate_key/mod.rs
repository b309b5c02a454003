//! The layer and the service that ask a validator about tokens that the key set does not know.

mod future;
mod layer;
mod service;

pub use self::future::ValidateKeyFuture;
pub use self::layer::ValidateKeyLayer;
pub use self::service::ValidateKey;
