//! Which routes need a key.
//!
//! Only whole paths and the router's own templates count, never the beginning or the end of a path. A path
//! that somebody behind the door could read in another way than the door does is exempt from nothing.

mod access;
mod add_routes;
mod audit;
mod decision;
mod entry;
mod error;
mod route_policy;
mod table;
mod template;
#[cfg(test)]
mod tests;

pub use self::access::Access;
pub use self::audit::{Audit, AuditedRoute};
pub use self::decision::{Decision, DecisionReason};
pub use self::entry::PolicyEntry;
pub use self::error::{AuditError, InvalidPolicy};
pub use self::route_policy::RoutePolicy;
