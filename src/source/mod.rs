//! Sources of secrets, and what turns a secret into something that can be used.

mod closure;
mod env;
#[cfg(feature = "file")]
mod file;
mod key_set_source;
mod pushed;
mod secret_source;

pub use self::closure::{SourceFn, source_fn};
pub use self::env::EnvSource;
#[cfg(feature = "file")]
pub use self::file::FileSource;
pub use self::key_set_source::KeySetSource;
pub use self::pushed::{Pushed, Pusher, pushed};
pub use self::secret_source::SecretSource;
