//! Which routes need a key.
//!
//! Only whole paths and the router's own templates count, never the beginning or the end of a path. A path
//! that somebody behind the door could read in another way than the door does is exempt from nothing.

mod access;
mod audit;
mod decision;
mod error;
mod list;
mod policies;
mod route;
#[cfg(test)]
mod tests;

pub use self::access::Access;
pub use self::audit::{Audit, AuditedRoute};
pub use self::decision::{Decision, DecisionReason};
pub use self::error::{AuditError, InvalidPolicy};
pub use self::policies::RoutePolicy;
pub use self::route::PolicyEntry;
pub(crate) use self::route::{is_preflight, matched_template};
