//! The settings of a gateway, from options or a file.

use std::net::SocketAddr;
use std::time::Duration;

use crate::gateway::auth::{AuthConfig, Policies};
use crate::gateway::edge::cors::Origin;
use crate::gateway::limits::ProxyLimits;
use crate::gateway::observe::AuditSettings;
use crate::gateway::proxy::headers::HeaderRules;
use crate::gateway::server::ServerLimits;
use crate::gateway::server::tls::Files;
use crate::gateway::upstream::Upstream;
use crate::open_files::fit;
use crate::output::log::LogFormat;

/// The settings of a gateway.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) admin_listen: Option<SocketAddr>,
    pub(crate) log_format: LogFormat,
    pub(crate) limits: Limits,
    pub(crate) headers: HeaderRules,
    /// The file of the audit log, if there is one.
    pub(crate) audit: Option<AuditSettings>,
    /// When to stop without a signal, if at all.
    pub(crate) end_after: Option<Duration>,
    pub(crate) server: Server,
    /// At least one.
    pub(crate) upstreams: Vec<Upstream>,
}

/// The side of the gateway that faces clients.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) tls: Option<Files>,
    pub(crate) cors: Vec<Origin>,
    pub(crate) auth: AuthConfig,
}

/// Intervals, timeouts and other limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long to wait at start for a key that is not there yet.
    pub(crate) wait_for_key: Duration,
    /// How often to read key files.
    pub(crate) poll: Duration,
    /// How long requests are served with the last key set while its source fails.
    pub(crate) max_stale: Duration,
    /// How long to serve on after a signal to stop.
    pub(crate) shutdown_delay: Duration,
    /// How long open requests may take to finish after that.
    pub(crate) drain: Duration,
    pub(crate) server: ServerLimits,
    pub(crate) proxy: ProxyLimits,
}

impl Limits {
    /// Returns the limits of a gateway that has started: nothing waits for a key that is not there.
    pub(crate) const fn after_start(self) -> Self {
        Self {
            wait_for_key: Duration::ZERO,
            ..self
        }
    }

    /// Lowers the limits to what fits into a limit of open files. Returns whether that was needed.
    pub(crate) fn fit(&mut self, open_files: Option<u64>) -> bool {
        let (connections, requests) = (self.server.connections, self.proxy.requests);
        let fitting = fit(connections, requests, open_files);
        (self.server.connections, self.proxy.requests) = fitting;
        fitting != (connections, requests)
    }
}

impl Settings {
    /// Returns a line for each thing that runs.
    pub(crate) fn summary(&self) -> Vec<String> {
        let scheme = if self.server.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let listener = format!("listener: {scheme}://{}", self.listen);
        let admin = self.admin_listen.iter();
        let admin = admin.map(|address| format!("admin: http://{address}"));
        let auth = &self.server.auth;
        let (keys, policies) = match auth {
            AuthConfig::Open(_) => (None, None),
            AuthConfig::Guarded(guard) => {
                let policies = match &guard.policies {
                    Policies::File(file) => {
                        Some(format!("policies: from {}", file.path().display()))
                    }
                    Policies::Fixed(_) => None,
                };
                (Some(format!("client keys: from {}", guard.keys)), policies)
            }
        };
        let audit = self.audit.iter();
        let audit = audit.map(|audit| format!("audit: to {}", audit.file().display()));
        let upstreams = self.upstreams.iter().map(ToString::to_string);
        std::iter::once(listener)
            .chain(admin)
            .chain([format!("mode: {}", auth.mode())])
            .chain(keys)
            .chain(policies)
            .chain(audit)
            .chain(upstreams)
            .collect()
    }
}
