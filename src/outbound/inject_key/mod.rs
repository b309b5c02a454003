//! The layer that puts the current key on each request, and replays what is rejected.

mod config;
mod future;
mod layer;
mod once;
mod outcome;
mod service;

pub use self::future::ResponseFuture;
pub use self::layer::{InjectKeyLayer, InjectKeyOnceLayer, OverrideExisting};
pub use self::once::InjectKeyOnce;
pub use self::outcome::{NotReplayed, Outcome};
pub use self::service::InjectKey;
