//! The principal: who is calling, and with what.

mod caller;
mod checked_key;
mod hidden;
mod key_principal;

pub use self::caller::{Anonymous, Principal};
pub(crate) use self::checked_key::CheckedKey;
pub(crate) use self::hidden::Hidden;
pub use self::key_principal::KeyPrincipal;
