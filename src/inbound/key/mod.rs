//! What is stored of one key: its digest, its names, its scopes, its times.

mod digest;
mod grants;
mod id;
mod last_use;
mod provenance;
mod record;
mod restrictions;
mod scope;
mod status;
mod well_known;

pub use self::digest::KeyDigest;
pub use self::grants::Role;
pub(crate) use self::grants::{Grants, RoleTable};
pub(crate) use self::id::numbered;
pub use self::id::{ClientId, KeyId};
pub(crate) use self::last_use::Noted;
pub use self::provenance::Provenance;
pub use self::record::KeyRecord;
pub(crate) use self::restrictions::Restrictions;
pub use self::restrictions::{CertificateDigest, Networks};
pub use self::scope::{Scope, Scopes};
pub use self::status::KeyStatus;
pub(crate) use self::well_known::{is_well_known, may_be_strong};
