//! Sources of secrets, and what turns a secret into something that can be used.

mod closure;
#[cfg(feature = "file")]
mod file;
mod pushed;
mod secret_source;

pub use self::closure::{SourceFn, source_fn};
#[cfg(feature = "file")]
pub use self::file::FileSource;
pub use self::pushed::{Pushed, Pusher, pushed};
pub use self::secret_source::SecretSource;
