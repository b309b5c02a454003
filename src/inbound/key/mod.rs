//! What is stored of one key: its digest, its names, its scopes, its times.

mod digest;
mod id;
mod last_use;
mod provenance;
mod record;
mod scope;
mod status;
mod well_known;

pub use self::digest::KeyDigest;
pub(crate) use self::id::numbered;
pub use self::id::{ClientId, KeyId};
pub use self::provenance::Provenance;
pub use self::record::KeyRecord;
pub use self::scope::{Scope, Scopes};
pub use self::status::KeyStatus;
pub(crate) use self::well_known::{is_well_known, may_be_strong};
