//! The keys that are accepted, and whether a token is one of them.

#[cfg(feature = "key-file")]
mod key_file;
mod list;
mod set;
mod source;
mod text;
mod verify;

#[cfg(feature = "key-file")]
pub use self::key_file::InvalidKeyFile;
#[cfg(feature = "key-file")]
pub(crate) use self::key_file::{FileClient, FileKey, KeyFile, Unwritable};
pub use self::list::InvalidKeyList;
pub use self::set::{InvalidKeySet, KeySet, UnfitKeySet};
pub use self::source::{IntoKeySet, KeySetSource};
pub use self::text::{InvalidKeyText, OlderKeySet};
pub use self::verify::{InvalidToken, verify_at};
pub(crate) use self::verify::{judge, verify};
