//! The principal: who is calling, and with what.

mod anonymous;
mod caller;
mod checked_key;
mod hidden;
mod identity;
mod key_principal;

pub use self::anonymous::Anonymous;
pub use self::caller::Principal;
pub(crate) use self::checked_key::CheckedKey;
pub(crate) use self::hidden::Hidden;
pub(crate) use self::identity::{Caller, Identity};
pub use self::key_principal::KeyPrincipal;
