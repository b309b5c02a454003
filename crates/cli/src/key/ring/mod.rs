//! The key ring on a key file, and the audit of its changes.

mod audit;
mod open;

pub(super) use self::audit::{Audit, AuditArgs, audited};
pub(super) use self::open::{open, open_existing};
