//! The layer and the service that require scopes of a client that another layer has checked.

mod future;
mod layer;
mod service;

pub use self::future::RequireScopesFuture;
pub use self::layer::RequireScopesLayer;
pub use self::service::RequireScopes;
