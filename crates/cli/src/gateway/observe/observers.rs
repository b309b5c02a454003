//! Observers of keys: the log, and the audit file if there is one.

use tower_rotating_auth::{
    audit::{AuditEvent, AuditLog},
    inbound, outbound,
    rotating::Event,
};

use crate::gateway::events::EventLog;

/// Observers of keys: the log, and the audit file if there is one.
#[derive(Clone, Debug)]
pub(crate) struct Observers {
    log: EventLog,
    audit: Option<AuditLog>,
}

impl Observers {
    pub(crate) const fn new(log: EventLog, audit: Option<AuditLog>) -> Self {
        Self { log, audit }
    }

    /// Returns an observer of a value that is no upstream key.
    pub(crate) fn values(&self) -> impl FnMut(&Event) + Send + 'static + use<> {
        self.with_audit(self.log.values())
    }

    /// Returns an observer of the upstream's key.
    pub(crate) fn upstream(&self) -> impl FnMut(&outbound::Event) + Send + 'static + use<> {
        self.with_audit(self.log.upstream())
    }

    /// Returns an observer of clients.
    pub(crate) fn clients(&self) -> impl FnMut(&inbound::Event) + Send + 'static + use<> {
        self.with_audit(self.log.clients())
    }

    /// Adds an event to the audit file, if there is one.
    pub(crate) fn record(&self, event: AuditEvent) {
        if let Some(audit) = &self.audit {
            audit.record(event);
        }
    }

    fn with_audit<K, L>(&self, mut log: L) -> impl FnMut(&Event<K>) + Send + 'static + use<K, L>
    where
        K: 'static,
        L: FnMut(&Event<K>) + Send + 'static,
        for<'e> AuditEvent: From<&'e Event<K>>,
    {
        let mut audit = self.audit.as_ref().map(AuditLog::observer::<K>);
        move |event| {
            log(event);
            if let Some(audit) = &mut audit {
                audit(event);
            }
        }
    }
}
