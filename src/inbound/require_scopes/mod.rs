//! The response future of [`RequireScopes`](crate::inbound::RequireScopes), which requires scopes of
//! a client that another layer has checked.

mod future;
pub(super) mod layer;
pub(super) mod service;

pub use self::future::ResponseFuture;
