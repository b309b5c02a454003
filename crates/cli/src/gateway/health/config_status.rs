//! The state of the configuration file, for `/readyz`, metrics and the audit file.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use metrics::{counter, gauge};
use serde_json::{Value, json};
use tower_rotating_auth::audit::{AuditAction, AuditEvent};
use tower_rotating_auth::rotating::{self, Generation};
use tower_rotating_auth::source::FetchReason;
use tower_rotating_auth::{Rotating, Secret};

use crate::gateway::config::{ConfigError, ConfigErrorKind};
use crate::gateway::observe::Observers;

/// The name of the file's content in events.
pub(crate) const CONFIG: &str = "config";

/// The state of the configuration file. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ConfigStatus {
    reloads: Reloads,
    text: Rotating<Secret>,
}

/// The outcomes of all loads of the file. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Reloads(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// The name of the file without its folder, since `/readyz` is public.
    file: String,
    /// Times that the file was applied, after the start.
    reloads: u64,
    /// Times that it could not be.
    rejections: u64,
    rejected: Option<Rejected>,
    needs_restart: Vec<String>,
    observers: Option<Observers>,
}

/// A content of the file, and why it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) generation: Generation,
    pub(crate) reason: FetchReason,
}

/// The reason why the file that is there now does not run. `/readyz` is public, so it shows no
/// message.
#[derive(Clone, Debug, Default)]
struct Rejected {
    kind: &'static str,
    line: Option<usize>,
    field: Option<String>,
}

impl Reloads {
    pub(crate) fn new(path: &Path) -> Self {
        let file = path.file_name().unwrap_or_default();
        Self(Arc::new(Mutex::new(State {
            file: file.to_string_lossy().into_owned(),
            reloads: 0,
            rejections: 0,
            rejected: None,
            needs_restart: Vec::new(),
            observers: None,
        })))
    }

    /// Sets the observers of all loads from now on.
    pub(crate) fn observe(&self, observers: &Observers) {
        self.lock().observers = Some(observers.clone());
    }

    /// Notes that the gateway has started with a content of the file.
    pub(crate) fn note_started(&self, generation: Generation) {
        let reason = FetchReason::Start;
        self.lock().record_loaded(Load { generation, reason });
    }

    pub(crate) fn note_applied(&self, load: Load, needs_restart: Vec<String>) {
        let mut state = self.lock();
        state.reloads += 1;
        state.record_loaded(load);
        state.postpone(load, needs_restart);
    }

    /// Notes that the file is valid, and applies as a whole after a restart.
    pub(crate) fn note_postponed(&self, load: Load, needs_restart: Vec<String>) {
        self.lock().postpone(load, needs_restart);
    }

    /// Notes that the file could not be read. It counts once until it can.
    pub(crate) fn note_event(&self, event: &rotating::EventKind) {
        if let rotating::EventKind::RefreshFailed { failures: 1, .. } = event {
            let mut state = self.lock();
            state.rejections += 1;
            state.record_rejected(None, &Rejected::unreadable());
        }
    }

    /// Notes an error in the file.
    pub(crate) fn note_invalid(&self, load: Load, error: &ConfigError) {
        let rejected = Rejected {
            kind: error.kind().as_str(),
            line: error.place().line,
            // A name that is no field may be anything, such as a key in the wrong place.
            field: match error.kind() {
                ConfigErrorKind::UnknownField => None,
                _ => error.place().field.clone(),
            },
        };
        self.lock().reject(load, rejected);
    }

    /// Notes that something the file names could not be opened.
    pub(crate) fn note_unusable(&self, load: Load) {
        let rejected = Rejected {
            kind: "unusable",
            ..Rejected::default()
        };
        self.lock().reject(load, rejected);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reject(&mut self, load: Load, rejected: Rejected) {
        self.rejections += 1;
        self.record_rejected(Some(load), &rejected);
        self.rejected = Some(rejected);
    }

    fn postpone(&mut self, load: Load, needs_restart: Vec<String>) {
        for field in &needs_restart {
            let waiting = Rejected {
                kind: "needs_restart",
                field: Some(field.clone()),
                line: None,
            };
            self.record_rejected(Some(load), &waiting);
        }
        self.rejected = None;
        self.needs_restart = needs_restart;
    }

    fn record_loaded(&self, load: Load) {
        let mut event = event(AuditAction::ConfigurationLoaded);
        event.reason = Some(load.reason.as_str());
        event.generation = Some(load.generation.get());
        self.record(event);
    }

    fn record_rejected(&self, load: Option<Load>, rejected: &Rejected) {
        let mut event = event(AuditAction::ConfigurationRejected);
        event.reason = Some(rejected.kind);
        event.generation = load.map(|load| load.generation.get());
        event.field = rejected.field.as_deref().map(Into::into);
        event.line = rejected.line.and_then(|line| line.try_into().ok());
        self.record(event);
    }

    fn record(&self, event: AuditEvent) {
        if let Some(observers) = &self.observers {
            observers.record(event);
        }
    }
}

fn event(action: AuditAction) -> AuditEvent {
    AuditEvent::new(SystemTime::now(), CONFIG.into(), action)
}

impl Rejected {
    const fn unreadable() -> Self {
        Self {
            kind: "unreadable",
            line: None,
            field: None,
        }
    }
}

impl ConfigStatus {
    /// Creates the status of a file whose text is `text`.
    pub(crate) const fn new(reloads: Reloads, text: Rotating<Secret>) -> Self {
        Self { reloads, text }
    }

    pub(crate) fn json(&self) -> Value {
        let rejected = self.rejected();
        let state = self.reloads.lock();
        json!({
            "file": state.file,
            "status": if rejected.is_some() { "rejected" } else { "current" },
            "error": rejected.map(|rejected| json!({
                "kind": rejected.kind,
                "line": rejected.line,
                "field": rejected.field,
            })),
            "needs_restart": state.needs_restart,
            "reloads": state.reloads,
            "rejections": state.rejections,
        })
    }

    /// Sets the metrics of the file.
    pub(crate) fn measure(&self) {
        let rejected = if self.rejected().is_some() { 1.0 } else { 0.0 };
        let state = self.reloads.lock();
        gauge!("rotating_auth_configuration_rejected").set(rejected);
        counter!("rotating_auth_configuration_reloads_total").absolute(state.reloads);
        counter!("rotating_auth_configuration_rejections_total").absolute(state.rejections);
    }

    /// Returns why the file that is there now does not run. One that cannot be read now comes
    /// first: what was wrong with it before may be no more.
    fn rejected(&self) -> Option<Rejected> {
        match self.text.status().last_error {
            Some(_) => Some(Rejected::unreadable()),
            None => self.reloads.lock().rejected.clone(),
        }
    }
}
