//! The inbound half: only callers with a valid key, from a set that can change at any moment.

mod scope;

pub use self::scope::{InvalidScope, Scope, Scopes};
