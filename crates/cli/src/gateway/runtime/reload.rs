//! Reloads: of the configuration file when it changes, and of everything after SIGHUP.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tower_rotating_auth::rotating::Subscription;
use tower_rotating_auth::source::FileSource;
use tower_rotating_auth::{Rotating, Secret};

use super::live::Live;
use crate::error::{Error, chain};
use crate::gateway::config::{Change, ConfigError, Document, Loaded, load};
use crate::gateway::events::EventLog;
use crate::gateway::health::ConfigStatus;
use crate::hangups::Hangups;
use crate::{open_files, output};

/// The largest file.
const LARGEST: usize = 4 << 20;

/// The configuration that runs, and where a new one comes from.
pub(crate) struct ConfigFile {
    /// The arguments of the command line, which win over the file.
    argv: Vec<OsString>,
    /// What runs. Empty without a file.
    running: Document,
    file: Option<Followed>,
}

/// A file that is followed.
struct Followed {
    path: PathBuf,
    text: Rotating<Secret>,
    status: ConfigStatus,
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
        let text = Rotating::builder()
            .name("config")
            .poll(Duration::from_secs(1))
            .observer(log.values())
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
        file.running = parse(&text.current()).map_err(in_file)?;
        let loaded = load(&file.running, &file.argv).map_err(in_file)?;
        file.file = Some(Followed {
            status: ConfigStatus::new(path.clone()),
            path,
            text,
        });
        Ok((file, loaded))
    }

    pub(crate) fn status(&self) -> Option<ConfigStatus> {
        self.file.as_ref().map(|file| file.status.clone())
    }

    /// Reads the file again, and applies it.
    async fn reload(&mut self, live: &Live) {
        let Some(Followed { path, text, status }) = &self.file else {
            self.reapply(live).await;
            return;
        };
        let rejected = |error: &dyn std::fmt::Display| {
            output::complain(format_args!(
                "configuration rejected: {error}; the last good one stays in use"
            ));
        };
        let parsed = parse(&text.current()).and_then(|new| {
            let change = Change::between(&self.running, new);
            let mut loaded = load(&change.document, &self.argv)?;
            loaded.settings.limits.fit(open_files::raise());
            Ok((change, loaded))
        });
        let (change, loaded) = match parsed.map_err(|error| error.in_file(path)) {
            Ok(parsed) => parsed,
            Err(error) => {
                status.note_invalid(&error);
                rejected(&error);
                return;
            }
        };
        if let Err(error) = live.change(loaded.settings, change.client_keys).await {
            status.note_unusable();
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
        status.note_applied(change.needs_restart);
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
            let file = config.as_ref().and_then(|config| config.file.as_ref());
            let mut changes = file.map(|file| file.text.subscribe());
            loop {
                tokio::select! {
                    () = changed(&mut changes) => {
                        if let Some(config) = &mut config {
                            config.reload(&live).await;
                        }
                    }
                    () = hangups.recv() => {
                        if let Some(config) = &mut config {
                            if let Some(file) = &config.file {
                                // The log has a line for a failure.
                                drop(file.text.refresh().await);
                            }
                            config.reload(&live).await;
                        }
                        join_all(live.refresh().iter().map(|refresh| refresh())).await;
                    }
                }
            }
        }))
    }
}

/// Waits for a new content of the file. Without one, waits for ever.
async fn changed(changes: &mut Option<Subscription<Secret>>) {
    if let Some(changes) = changes {
        if changes.changed().await.is_some() {
            return;
        }
    }
    std::future::pending::<()>().await;
}

impl Drop for Reloader {
    fn drop(&mut self) {
        self.0.abort();
    }
}
