//! A look at all keys and certificates, without a gateway that serves.

use std::sync::Arc;

use super::parts::{Lasting, Parts};
use crate::error::Error;
use crate::gateway::access::AccessLog;
use crate::gateway::auth::{AuthConfig, ClientKeys};
use crate::gateway::config::Settings;
use crate::gateway::events::EventLog;
use crate::gateway::observe::Observers;
use crate::gateway::proxy::Reports;
use crate::gateway::proxy::headers::Via;
use crate::gateway::server::tls::Tls;

/// Reads all keys and certificates as a gateway does at its start. Fails as the gateway would.
/// Returns lines about what was read.
pub(crate) async fn try_keys(mut settings: Settings) -> Result<Vec<String>, Error> {
    settings.limits = settings.limits.after_start();
    if let AuthConfig::Guarded(guard) = &mut settings.server.auth {
        if let ClientKeys::File { uses, .. } = &mut guard.keys {
            *uses = None; // no key is used here
        }
    }
    let observers = Observers::new(EventLog::Off, None);
    let mut lines = Vec::new();
    if let Some(files) = &settings.server.tls {
        Tls::open(files, "tls", settings.limits.poll, &observers).await?;
        lines.push("read: the certificate of the listener".to_owned());
    }
    let lasting = Lasting {
        via: Via::new(0),
        access: AccessLog::new(0),
        reports: Arc::new(Reports::default()),
        observers,
        metrics: None,
    };
    let parts = Parts::open(settings, &lasting).await?;
    lines.push("read: the key of each upstream".to_owned());
    let counts = parts.client_keys();
    lines.extend(counts.map(|counts| format!("read: client keys: {counts}")));
    Ok(lines)
}
