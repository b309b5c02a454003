//! Observers of the gateway: the audit file, and metrics.

mod args;
mod metrics;
mod observers;

pub(crate) use self::args::{AuditArgs, AuditSettings};
pub(crate) use self::metrics::Metrics;
pub(crate) use self::observers::Observers;
