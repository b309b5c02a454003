//! The inbound half: only callers with a valid key, from a set that can change at any moment.

mod digest;
mod guarded_body;
mod id;
#[cfg(feature = "file")]
mod key_file;
mod key_list;
mod key_set;
mod key_text;
mod principal;
mod record;
mod scope;
mod verify;
mod well_known;

pub use self::digest::{InvalidDigest, KeyDigest};
pub use self::guarded_body::{GuardedBody, KeyEnded};
pub use self::id::{ClientId, InvalidId, KeyId};
#[cfg(feature = "file")]
pub use self::key_file::InvalidKeyFile;
pub use self::key_list::InvalidKeyList;
pub use self::key_set::{InvalidKeySet, KeySet, UnfitKeySet};
pub use self::key_text::{InvalidKeyText, OlderKeySet};
pub use self::principal::{Ended, KeyPrincipal, Principal};
pub use self::record::{KeyRecord, Standing};
pub use self::scope::{InvalidScope, Scope, Scopes};
pub use self::verify::{InvalidToken, verify_at};
