//! The outbound half: the current key on each request, and a second attempt when it is rejected.
//!
//! A request is judged by its origin, given the credential that is current, and sent. A rejection asks
//! the engine for another credential: a newer one, or the one before while the new one is not active yet. Where
//! there is one, the request is sent once more, and never again.

pub mod adapter;
mod auth_scheme;
mod credential;
mod inject_key;
mod into_credential;
pub mod replay;
mod routes;

pub use self::auth_scheme::{AuthScheme, InvalidScheme};
pub use self::credential::Credential;
pub use self::inject_key::{
    InjectKey, InjectKeyLayer, InjectKeyOnce, InjectKeyOnceLayer, NotReplayed, Outcome,
    OverrideExisting, ResponseFuture,
};
pub use self::into_credential::IntoCredential;
pub use self::routes::{InvalidOrigin, InvalidRoutes, Origin, Route};
