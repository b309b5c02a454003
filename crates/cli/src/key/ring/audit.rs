//! The audit file, to which a command appends its changes.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower_rotating_auth::{
    audit::AuditEvent,
    keyring::{Event, EventKind, KeyRingBuilder},
};

use crate::error::Error;
use crate::output::complain;

/// The name of the key set in the gateway's audit.
const NAME: &str = "client-keys";

/// Options about the audit file.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AuditArgs {
    /// Append a line of JSON for each change to this file, in the format of the gateway's audit
    /// file.
    ///
    /// A new file can only be read by its owner. The file never rolls over.
    #[arg(
        long,
        value_name = "FILE",
        env = "ROTATING_AUTH_AUDIT_FILE",
        hide_env_values = true
    )]
    audit_file: Option<PathBuf>,
}

/// Appends the events of a key ring to the audit file, if there is one.
pub(crate) struct Audit(Option<Lines>);

struct Lines {
    file: File,
    failures: UnboundedSender<io::Error>,
}

/// Runs a command with its audit, and waits until each event has its line.
pub(crate) async fn audited<F>(
    args: AuditArgs,
    command: impl FnOnce(Audit) -> F,
) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>>,
{
    let path = args.audit_file.filter(|path| !path.as_os_str().is_empty());
    let Some(path) = path else {
        return command(Audit(None)).await;
    };
    // Opened before anything changes, so that a bad path costs no key.
    let file = open(&path)?;
    let (failures, failed) = unbounded_channel();
    let result = command(Audit(Some(Lines { file, failures }))).await;
    let written = all_written(failed, &path).await;
    match (result, written) {
        (Err(error), Err(unwritten)) => {
            complain(format_args!("{unwritten}"));
            Err(error)
        }
        (result, written) => result.and(written),
    }
}

impl Audit {
    /// Lets the audit observe a key ring.
    pub(crate) fn observe(self, ring: KeyRingBuilder) -> KeyRingBuilder {
        let Some(Lines { mut file, failures }) = self.0 else {
            return ring;
        };
        ring.name(NAME).observer(move |event| {
            let written = line(event).map(|line| file.write_all(line.as_bytes()));
            if let Some(Err(error)) = written {
                // The receiver waits for the end of this observer.
                let _ = failures.send(error);
            }
        })
    }
}

/// Returns the line of an event, if it is one of a change.
fn line(event: &Event) -> Option<String> {
    match event.kind {
        EventKind::Published { .. } | EventKind::ReloadFailed { .. } => None,
        _ => Some(format!("{}\n", AuditEvent::from(event).to_json())),
    }
}

/// Waits until the observer has ended, after the last event.
async fn all_written(mut failed: UnboundedReceiver<io::Error>, path: &Path) -> Result<(), Error> {
    let mut last = None;
    while let Some(error) = failed.recv().await {
        last = Some(error);
    }
    match last {
        Some(error) => Err(Error::failed(format!(
            "the keys have changed, but {path:?} lacks a line about it: {error}; check the audit file"
        ))),
        None => Ok(()),
    }
}

fn open(path: &Path) -> Result<File, Error> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map_err(|error| {
        Error::failed(format!(
            "cannot open the audit file {path:?}: {error}; pass another --audit-file"
        ))
    })
}
