//! The inbound half: only callers with a valid key, from a set that can change at any moment.

mod policy;
mod scope;

pub use self::policy::{
    Access, Audit, AuditError, AuditedRoute, Decision, InvalidPolicy, Policies, PolicyEntry, Why,
};
pub use self::scope::{InvalidScope, Scope, Scopes};
