//! Files that hold secrets: opened and checked, read with a bound, replaced atomically, locked.
//!
//! Errors here are [`std::io::Error`], or [`FileError`] for a file that was opened and is refused.
//! The callers say which file it was and what to do.

mod custody;
mod exposure;
#[cfg(feature = "keyring")]
mod lock;
#[cfg(feature = "key-file")]
mod note;
mod paths;
mod read;
mod replace;
mod secret_file;

#[cfg(not(all(unix, not(portable_only))))]
mod portable;
#[cfg(all(unix, not(portable_only)))]
mod unix;

#[cfg(not(all(unix, not(portable_only))))]
use self::portable as os;
#[cfg(all(unix, not(portable_only)))]
use self::unix as os;

pub(crate) use self::custody::{Custody, Distrust, Strictness};
pub(crate) use self::exposure::Exposure;
#[cfg(feature = "keyring")]
pub(crate) use self::lock::{Lock, LockHolders};
#[cfg(feature = "key-file")]
pub(crate) use self::note::{noted_serial, write_note};
pub(crate) use self::os::open;
#[cfg(feature = "keyring")]
pub(crate) use self::os::{distrust, distrust_directory, has_no_locks};
pub(crate) use self::paths::Paths;
pub(crate) use self::read::{SecretBytes, read_bounded};
pub(crate) use self::replace::{Access, Step, remedy, replace, sync_directory};
pub(crate) use self::secret_file::{FileError, SecretFile};
