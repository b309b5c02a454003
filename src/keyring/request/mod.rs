//! Requests to a key ring.

mod external_key;
mod issue;
mod life;
mod revoke;
mod rotate;
mod selector;

pub use self::external_key::ExternalKey;
pub use self::issue::IssueRequest;
pub(crate) use self::life::{Lifetime, lifetime_of};
pub use self::revoke::RevokeRequest;
pub(crate) use self::rotate::OldKey;
pub use self::rotate::RotateRequest;
pub use self::selector::KeySelector;
