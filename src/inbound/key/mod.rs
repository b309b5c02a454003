//! What is known of one key.

mod digest;
mod id;
mod last_use;
mod provenance;
mod record;
mod scope;
mod unfit;
mod well_known;

pub use self::digest::{InvalidDigest, KeyDigest};
pub(crate) use self::id::numbered;
pub use self::id::{ClientId, InvalidId, KeyId};
pub use self::provenance::Provenance;
pub use self::record::{KeyRecord, Standing};
pub use self::scope::{InvalidScope, Scope, Scopes};
pub use self::unfit::UnfitKey;
