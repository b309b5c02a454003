//! Replaces the upstream's key, and rewrites the key file as a sidecar does: a new file, renamed over
//! the old one, so that nobody reads half a key.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;
use tokio::time::{interval, sleep};
use tower_rotating_auth::Secret;

use super::upstream::{CurrentKey, Issued};
use crate::output;

/// How long a key lasts.
pub(crate) const PERIOD: Duration = Duration::from_secs(4);
/// How far the key file is behind the upstream. Requests in between carry a key that is gone.
const LAG: Duration = Duration::from_millis(400);

pub(super) fn first_key(file: &Path) -> io::Result<CurrentKey> {
    let key = new_key()?;
    write(file, &key)?;
    Ok(Arc::new(ArcSwap::from_pointee(Issued {
        key: Secret::from(key),
        count: 1,
    })))
}

pub(super) async fn replace_keys(file: PathBuf, current: CurrentKey) {
    let mut turns = interval(PERIOD);
    turns.tick().await;
    loop {
        turns.tick().await;
        if let Err(error) = replace_key(&file, &current).await {
            output::complain(format_args!("the demo's key was not replaced: {error}"));
        }
    }
}

async fn replace_key(file: &Path, current: &CurrentKey) -> io::Result<()> {
    let key = new_key()?;
    current.store(Arc::new(Issued {
        key: Secret::from(&*key),
        count: current.load().count + 1,
    }));
    sleep(LAG).await;
    let file = file.to_owned();
    spawn_blocking(move || write(&file, &key)).await?
}

fn write(path: &Path, key: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    writeln!(file, "{key}")?;
    file.persist(path)?;
    Ok(())
}

fn new_key() -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    Ok(format!("sk-demo-{:032x}", u128::from_ne_bytes(random)))
}
