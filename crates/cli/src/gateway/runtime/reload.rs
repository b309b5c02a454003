//! Reloads: of the configuration file when it changes, and of everything after SIGHUP.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tower_rotating_auth::rotating::{Event, EventKind, Generation, Subscription};
use tower_rotating_auth::source::{FetchReason, FileSource};
use tower_rotating_auth::{Rotating, Secret};

use super::live::Live;
use crate::error::{Error, chain};
use crate::gateway::config::{ConfigError, Document, Judged, Loaded, judge, load};
use crate::gateway::events::EventLog;
use crate::gateway::health::{CONFIG, ConfigStatus, Load, Reloads};
use crate::gateway::observe::Observers;
use crate::hangups::Hangups;
use crate::{open_files, output};

/// The largest file.
const LARGEST: usize = 4 << 20;

/// The configuration that runs, and where a new one comes from.
pub(crate) struct ConfigFile {
    /// The arguments of the command line, which win over the file.
    argv: Vec<OsString>,
    /// The configuration that runs. Empty without a file.
    running: Document,
    file: Option<Followed>,
}

/// A file that is followed.
struct Followed {
    path: PathBuf,
    text: Rotating<Secret>,
    /// The generation that the gateway starts with.
    first: Generation,
    /// Starts with the file, since it may change before all keys have been read.
    changes: Subscription<Secret>,
    reloads: Reloads,
}

impl ConfigFile {
    /// Returns a configuration by the command line alone.
    pub(crate) fn none(argv: Vec<OsString>) -> Self {
        Self {
            argv,
            running: Document::default(),
            file: None,
        }
    }

    /// Reads a file, and follows it from then on.
    pub(crate) async fn open(
        path: PathBuf,
        argv: Vec<OsString>,
        log: EventLog,
    ) -> Result<(Self, Loaded), Error> {
        let source = FileSource::new(&path)
            .allow_any_content()
            .allow_world_readable()
            .max_bytes(LARGEST);
        let reloads = Reloads::new(&path);
        let text = Rotating::builder()
            .name(CONFIG)
            .poll(Duration::from_secs(1))
            .observer(observer(log, &path, reloads.clone()))
            .start(source)
            .await
            .map_err(|error| {
                let why = chain(&error);
                Error::start(format!("cannot read the configuration: {why}"))
            })?;
        let mut file = Self {
            argv,
            running: Document::default(),
            file: None,
        };
        let in_file = |error: ConfigError| error.in_file(&path);
        // Before the first look, so that no change is missed.
        let changes = text.subscribe();
        let first = text.current();
        file.running = parse(&first).map_err(in_file)?;
        let loaded = load(&file.running, &file.argv).map_err(in_file)?;
        file.file = Some(Followed {
            path,
            first: first.generation(),
            text,
            changes,
            reloads,
        });
        Ok((file, loaded))
    }

    pub(crate) fn status(&self) -> Option<ConfigStatus> {
        let file = self.file.as_ref()?;
        Some(ConfigStatus::new(file.reloads.clone(), file.text.clone()))
    }

    /// Sets the observers of all loads from now on.
    pub(crate) fn observe(&self, observers: &Observers) {
        if let Some(file) = &self.file {
            file.reloads.observe(observers);
        }
    }

    /// Waits for a new content of the file. Without one, waits for ever.
    async fn changed(&mut self) {
        if let Some(file) = &mut self.file {
            if file.changes.changed().await.is_some() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Reads the file again, and applies it. Without one, applies the options again.
    async fn reread(&mut self, live: &Live) {
        if let Some(file) = &self.file {
            if let Err(error) = file.text.refresh().await {
                output::complain(format_args!(
                    "configuration not reloaded: {}: {}",
                    file.path.display(),
                    chain(&error)
                ));
                return;
            }
        }
        self.reload(live, FetchReason::Requested).await;
    }

    /// Applies the file. Without one, applies the options again.
    async fn reload(&mut self, live: &Live, reason: FetchReason) {
        let Some(Followed {
            path,
            text,
            reloads,
            ..
        }) = &self.file
        else {
            self.reapply(live).await;
            return;
        };
        let rejected = |error: &dyn std::fmt::Display| {
            output::complain(format_args!(
                "configuration rejected: {error}; the last good one stays in use"
            ));
        };
        let text = text.current();
        let load = Load {
            generation: text.generation(),
            reason,
        };
        let judged = parse(&text).and_then(|new| judge(&self.running, new, &self.argv));
        let (change, mut loaded) = match judged.map_err(|error| error.in_file(path)) {
            Ok(Judged::Applies(change, loaded)) => (change, loaded),
            Ok(Judged::NeedsRestart(names)) => {
                output::complain(format_args!(
                    "configuration not applied: {} cannot change while the gateway runs, and what \
                     else the file changes needs that; restart it",
                    names.join(", ")
                ));
                reloads.note_postponed(load, names);
                return;
            }
            Err(error) => {
                reloads.note_invalid(load, &error);
                rejected(&error);
                return;
            }
        };
        loaded.settings.limits.fit(open_files::raise());
        if let Err(error) = live.change(loaded.settings, change.client_keys).await {
            reloads.note_unusable(load);
            rejected(&error);
            return;
        }
        output::announce(format_args!("configuration reloaded: {}", path.display()));
        if !change.needs_restart.is_empty() {
            output::complain(format_args!(
                "configuration: {} cannot change while the gateway runs; restart it",
                change.needs_restart.join(", ")
            ));
        }
        reloads.note_applied(load, change.needs_restart);
        self.running = change.document;
    }

    /// Applies the options again, since they may name files that have changed.
    async fn reapply(&self, live: &Live) {
        use crate::gateway::config::ClientKeysChange::Same;
        let applied = match load(&self.running, &self.argv) {
            Ok(mut loaded) => {
                loaded.settings.limits.fit(open_files::raise());
                live.change(loaded.settings, Same).await
            }
            Err(error) => Err(error.into()),
        };
        if let Err(error) = applied {
            output::complain(format_args!("cannot reload: {error}"));
        }
    }
}

/// Returns an observer of the file: the log, and the count of its failures.
fn observer(
    log: EventLog,
    path: &Path,
    reloads: Reloads,
) -> impl FnMut(&Event) + Send + 'static + use<> {
    let (mut log, path) = (log.values(), path.to_owned());
    move |event| {
        log(event);
        reloads.note_event(&event.kind);
        if let EventKind::RefreshFailed {
            kind, failures: 1, ..
        } = &event.kind
        {
            output::complain(format_args!(
                "configuration rejected: cannot read {} ({kind}); the last good one stays in use",
                path.display()
            ));
        }
    }
}

fn parse(text: &Secret) -> Result<Document, ConfigError> {
    match std::str::from_utf8(text.expose_secret()) {
        Ok(text) => Document::parse(text),
        Err(_) => Err(ConfigError::not_utf8()),
    }
}

/// A task that reloads, until it is dropped.
pub(crate) struct Reloader(JoinHandle<()>);

impl Reloader {
    pub(crate) fn follow(
        live: Arc<Live>,
        config: Option<ConfigFile>,
        mut hangups: Hangups,
    ) -> Self {
        Self(tokio::spawn(async move {
            live.started().await;
            let mut config = config;
            if let Some(file) = config.as_ref().and_then(|config| config.file.as_ref()) {
                file.reloads.note_started(file.first);
            }
            loop {
                tokio::select! {
                    () = changed(&mut config) => {
                        if let Some(config) = &mut config {
                            config.reload(&live, FetchReason::Changed).await;
                        }
                    }
                    () = hangups.recv() => {
                        if let Some(config) = &mut config {
                            config.reread(&live).await;
                        }
                        live.refresh().iter().for_each(|refresh| refresh());
                    }
                }
            }
        }))
    }
}

async fn changed(config: &mut Option<ConfigFile>) {
    match config {
        Some(config) => config.changed().await,
        None => std::future::pending().await,
    }
}

impl Drop for Reloader {
    fn drop(&mut self) {
        self.0.abort();
    }
}
