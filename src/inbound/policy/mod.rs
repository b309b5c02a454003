//! Which routes need a key.
//!
//! Only whole paths and the router's own templates count, never the beginning or the end of a path. A path
//! that somebody behind the door could read in another way than the door does is exempt from nothing.

mod access;
mod audit;
mod decision;
mod entry;
mod error;
mod list;
mod matched;
mod policies;
mod preflight;
mod table;
mod template;
#[cfg(test)]
mod tests;

pub use self::access::Access;
pub use self::audit::{Audit, AuditedRoute};
pub use self::decision::{Decision, Why};
pub use self::entry::PolicyEntry;
pub use self::error::{AuditError, InvalidPolicy};
pub(crate) use self::matched::matched_template;
pub use self::policies::Policies;
pub(crate) use self::preflight::is_preflight;
