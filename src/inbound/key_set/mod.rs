//! The keys that a server accepts, and whether a token is one of them.

mod error;
mod external;
#[cfg(feature = "key-file")]
mod key_file;
mod list;
mod note;
mod set;
mod source;
mod text;
mod verify;

pub use self::error::{KeySetError, KeySetErrorKind};
#[cfg(feature = "key-file")]
pub(crate) use self::key_file::{KeyFile, Unwritable};
pub use self::set::KeySet;
pub use self::source::{IntoKeySet, KeySetSource};
pub(crate) use self::verify::judge;
pub use self::verify::verify_at;
