//! The state of the configuration file, for `/readyz` and metrics.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{counter, gauge};
use serde_json::{Value, json};
use tower_rotating_auth::{Rotating, Secret, rotating};

use crate::gateway::config::ConfigError;

/// The state of the configuration file. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ConfigStatus {
    reloads: Reloads,
    text: Rotating<Secret>,
}

/// The outcomes of all reloads of the file. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Reloads(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    file: PathBuf,
    /// Times that the file was applied, after the start.
    reloads: u64,
    /// Times that it could not be.
    rejections: u64,
    rejected: Option<Rejected>,
    needs_restart: Vec<String>,
}

/// Why the file that is there now does not run. `/readyz` is public, so it shows no message.
#[derive(Clone, Debug)]
struct Rejected {
    kind: &'static str,
    line: Option<usize>,
    field: Option<String>,
}

impl Reloads {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self(Arc::new(Mutex::new(State {
            file,
            reloads: 0,
            rejections: 0,
            rejected: None,
            needs_restart: Vec::new(),
        })))
    }

    pub(crate) fn note_applied(&self, needs_restart: Vec<String>) {
        let mut state = self.lock();
        state.reloads += 1;
        state.rejected = None;
        state.needs_restart = needs_restart;
    }

    /// Notes that the file is valid, and applies as a whole after a restart.
    pub(crate) fn note_postponed(&self, needs_restart: Vec<String>) {
        let mut state = self.lock();
        state.rejected = None;
        state.needs_restart = needs_restart;
    }

    /// Notes that the file could not be read. It counts once until it can.
    pub(crate) fn note_event(&self, event: &rotating::EventKind) {
        if let rotating::EventKind::RefreshFailed { failures: 1, .. } = event {
            self.lock().rejections += 1;
        }
    }

    /// Notes an error in the file.
    pub(crate) fn note_invalid(&self, error: &ConfigError) {
        self.note_rejected(Rejected {
            kind: error.kind().as_str(),
            line: error.place().line,
            field: error.place().field.clone(),
        });
    }

    /// Notes that something the file names could not be opened.
    pub(crate) fn note_unusable(&self) {
        self.note_rejected(Rejected {
            kind: "unusable",
            line: None,
            field: None,
        });
    }

    fn note_rejected(&self, rejected: Rejected) {
        let mut state = self.lock();
        state.rejections += 1;
        state.rejected = Some(rejected);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
            "file": state.file.display().to_string(),
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
            Some(_) => Some(Rejected {
                kind: "unreadable",
                line: None,
                field: None,
            }),
            None => self.reloads.lock().rejected.clone(),
        }
    }
}
