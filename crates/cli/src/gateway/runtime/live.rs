//! The application that serves requests now. A reload replaces it between two requests.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::parts::{Lasting, Parts};
use super::waiting;
use crate::error::Error;
use crate::gateway::config::{ClientKeysChange, Settings};
use crate::gateway::edge::{self, cors};
use crate::gateway::handler::Handler;
use crate::gateway::health::{self, ConfigStatus, Health};
use crate::gateway::server::App;
use crate::gateway::server::tls::Tls;
use crate::hangups::Refresh;

/// The layers that the demo puts around the part of the application that needs a key.
pub(crate) type Wrap = Box<dyn Fn(Handler) -> Handler + Send + Sync>;

/// The application that serves requests now.
pub(crate) struct Live {
    pub(crate) app: App,
    /// The health endpoints, if they have a listener of their own.
    pub(crate) admin: Option<App>,
    pub(crate) lasting: Lasting,
    pub(crate) tls: Option<Tls>,
    pub(crate) config: Option<ConfigStatus>,
    wrap: Wrap,
    /// The most fields of a request head.
    fields: usize,
    parts: Mutex<Option<Arc<Parts>>>,
    /// Becomes `true` with the first parts.
    started: watch::Sender<bool>,
    /// Becomes `true` with a signal to stop.
    pub(crate) stopping: watch::Sender<bool>,
}

impl Live {
    /// Serves nothing yet but `/healthz`.
    pub(crate) fn new(
        lasting: Lasting,
        tls: Option<Tls>,
        config: Option<ConfigStatus>,
        has_admin: bool,
        fields: usize,
        wrap: Wrap,
    ) -> Self {
        Self {
            app: App::new(waiting::health().into()),
            admin: has_admin.then(|| App::new(waiting::health().into())),
            lasting,
            tls,
            config,
            wrap,
            fields,
            parts: Mutex::default(),
            started: watch::Sender::new(false),
            stopping: watch::Sender::new(false),
        }
    }

    /// Reads all keys, and serves requests from then on.
    pub(crate) async fn start(&self, settings: Settings) -> Result<(), Error> {
        let parts = Parts::open(settings, &self.lasting).await?;
        self.replace(Arc::new(parts));
        self.started.send_replace(true);
        Ok(())
    }

    /// Applies new settings. Keeps the old ones if that fails. Requests that are open finish with
    /// the parts that they began with.
    pub(crate) async fn change(
        &self,
        settings: Settings,
        client_keys: ClientKeysChange,
    ) -> Result<(), Error> {
        let Some(old) = self.parts() else {
            return Ok(()); // it has not started
        };
        let new = Arc::new(old.changed(settings, client_keys).await?);
        let is_replaced = !Arc::ptr_eq(old.authenticator(), new.authenticator());
        self.replace(new);
        if is_replaced {
            old.authenticator().close().await;
        }
        Ok(())
    }

    /// Waits until requests are served.
    pub(crate) async fn started(&self) {
        let mut started = self.started.subscribe();
        // The sender lives as long as this.
        drop(started.wait_for(|started| *started).await);
    }

    pub(crate) fn parts(&self) -> Option<Arc<Parts>> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.clone()
    }

    /// Returns what reads all keys and certificates again.
    pub(crate) fn refresh(&self) -> Vec<Refresh> {
        let parts = self.parts();
        let keys = parts.iter().flat_map(|parts| parts.refresh());
        keys.chain(self.tls.iter().flat_map(Tls::refresh)).collect()
    }

    /// Records the last uses of client keys. Call it after the last request.
    pub(crate) async fn close(&self) {
        if let Some(parts) = self.parts() {
            parts.authenticator().close().await;
        }
    }

    fn replace(&self, parts: Arc<Parts>) {
        let others = parts.sources();
        let others = others.chain(self.tls.iter().flat_map(Tls::sources));
        // Health routes need no key. CORS is outermost, so that refusals carry its headers, too.
        let counted = Arc::clone(&parts);
        let health = health::routes(Health {
            callers: Box::new(move || counted.authenticator().callers()),
            upstreams: parts.upstream_health(),
            others: others.collect(),
            config: self.config.clone(),
            stopping: self.stopping.subscribe(),
        });
        let guarded = parts.app(&self.wrap);
        let app = match &self.admin {
            Some(admin) => {
                let (measured, config) = (Arc::clone(&parts), self.config.clone());
                let measure = move || {
                    measured.authenticator().measure();
                    config.iter().for_each(ConfigStatus::measure);
                };
                let metrics = self.lasting.metrics.as_ref();
                let metrics = metrics.map(|all| all.routes(measure));
                admin.replace(health.merge(metrics.unwrap_or_default()).into());
                guarded
            }
            None => health::in_front_of(guarded, health.into()),
        };
        let app = cors::answer_preflights(app, parts.cors());
        let via = self.lasting.via.clone();
        let access = self.lasting.access.clone();
        self.app
            .replace(edge::check_heads(app, via, self.fields, access));
        let mut running = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        *running = Some(parts);
    }
}
