//! The response future of [`ValidateKey`](crate::inbound::ValidateKey), which asks a validator about
//! tokens that the key set does not know.

mod future;
pub(super) mod layer;
pub(super) mod service;

pub use self::future::ResponseFuture;
