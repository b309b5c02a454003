//! Sources of secrets, and what turns a secret into something that can be used.

mod closure;
mod env;
#[cfg(feature = "file")]
mod file;
mod into_credential;
mod key_set_source;
mod pushed;

pub use self::closure::{SourceFn, source_fn};
pub use self::env::EnvSource;
#[cfg(feature = "file")]
pub use self::file::FileSource;
pub use self::into_credential::IntoCredential;
pub use self::key_set_source::{IntoKeySet, KeySetSource};
pub use self::pushed::{Pushed, Pusher, pushed};
