//! A gateway from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use super::live::{Live, Wrap};
use super::parts::Lasting;
use super::reload::{ConfigFile, Reloader};
use crate::error::Error;
use crate::gateway::access::AccessLog;
use crate::gateway::config::{Limits, Settings};
use crate::gateway::observe::{Metrics, Observers};
use crate::gateway::proxy::Reports;
use crate::gateway::proxy::headers::Via;
use crate::gateway::server::tls::Tls;
use crate::gateway::server::{Listener, Service, ShutdownDelay, Signals};
use crate::hangups::Hangups;

/// A gateway.
pub(crate) struct Gateway {
    live: Arc<Live>,
    admin: Option<Listener>,
    limits: Limits,
    signals: Signals,
    hangups: Hangups,
    end_after: Option<Duration>,
}

impl Gateway {
    /// Creates a gateway that has read its certificates, and no keys yet.
    pub(crate) async fn new(
        settings: &Settings,
        config: Option<&ConfigFile>,
        observers: Observers,
        wrap: Wrap,
    ) -> Result<Self, Error> {
        let limits = settings.limits;
        let signals = Signals::listen()
            .map_err(|error| Error::start(format!("cannot listen for signals: {error}")))?;
        let hangups = Hangups::listen()?;
        let mut number = [0; 8];
        getrandom::fill(&mut number)
            .map_err(|error| Error::start(format!("cannot get random bytes: {error}")))?;
        let number = u64::from_ne_bytes(number);
        // Before keys are read, which are measured from then on.
        let metrics = settings.admin_listen.map(|_| Metrics::install());
        let metrics = metrics.transpose()?;
        let lasting = Lasting {
            via: Via::new(number),
            access: AccessLog::new(number),
            reports: Arc::new(Reports::default()),
            metrics,
            observers,
        };
        let tls = match &settings.server.tls {
            Some(files) => Some(Tls::open(files, "tls", limits.poll, &lasting.observers).await?),
            None => None,
        };
        let option = "--admin-listen (GATEWAY_ADMIN_LISTEN)";
        let admin = settings.admin_listen;
        let admin = admin.map(|address| Listener::bind(address, option));
        let admin = admin.transpose()?;
        let status = config.and_then(ConfigFile::status);
        let fields = limits.server.fields;
        let live = Live::new(lasting, tls, status, admin.is_some(), fields, wrap);
        Ok(Self {
            live: Arc::new(live),
            admin,
            limits,
            signals,
            hangups,
            end_after: settings.end_after,
        })
    }

    pub(crate) const fn live(&self) -> &Arc<Live> {
        &self.live
    }

    pub(crate) fn url(&self, listener: &Listener) -> String {
        listener.url(self.live.tls.is_some())
    }

    pub(crate) fn admin_url(&self) -> Option<String> {
        self.admin.as_ref().map(|admin| admin.url(false))
    }

    /// Serves until a signal stops it, then lets open requests finish. Follows the configuration
    /// file meanwhile.
    pub(crate) async fn serve(
        self,
        listener: Listener,
        config: Option<ConfigFile>,
    ) -> Result<(), Error> {
        let live = self.live;
        let tls = live.tls.as_ref().map(Tls::acceptor).transpose()?;
        let reloader = Reloader::follow(Arc::clone(&live), config, self.hangups);
        let service = Service {
            app: live.app.clone(),
            tls,
            admin: self.admin.zip(live.admin.clone()),
            limits: self.limits.server,
            delay: ShutdownDelay {
                time: self.limits.shutdown_delay,
                stopping: live.stopping.clone(),
            },
            drain: self.limits.drain,
            end_after: self.end_after,
        };
        listener.serve(service, self.signals).await;
        drop(reloader);
        live.close().await;
        Ok(())
    }
}
