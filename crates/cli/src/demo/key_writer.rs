//! The rotation of the upstream's key, as a sidecar does it: the upstream switches to a new key,
//! and the key file follows a moment later. That order costs a gateway most.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;
use tokio::time::{interval, sleep};
use tower_rotating_auth::Secret;

use super::journal::Journal;
use crate::output;

/// How long a key lasts.
pub(super) const PERIOD: Duration = Duration::from_secs(4);
/// How far the key file is behind the upstream. Requests in between carry a rejected key.
const LAG: Duration = Duration::from_millis(400);

/// The one key that the upstream accepts.
pub(super) struct Key {
    pub(super) secret: Secret,
    /// 1 for the first key, and one more for each after it.
    pub(super) number: u64,
}

pub(super) type CurrentKey = Arc<ArcSwap<Key>>;

/// Makes key 1 and writes it to `file`.
pub(super) fn first_key(file: &Path) -> io::Result<CurrentKey> {
    let key = new_key(1)?;
    write(file, &key)?;
    Ok(Arc::new(ArcSwap::from_pointee(Key {
        secret: Secret::from(key),
        number: 1,
    })))
}

/// Replaces the key every [`PERIOD`], for as long as the process runs.
pub(super) async fn rotate(file: PathBuf, current: CurrentKey, journal: Journal) {
    let mut turns = interval(PERIOD);
    turns.tick().await;
    loop {
        turns.tick().await;
        journal.key_lasted(current.load().number);
        if let Err(error) = replace(&file, &current).await {
            output::complain(format_args!("cannot rotate the demo's key: {error}"));
        }
    }
}

async fn replace(file: &Path, current: &CurrentKey) -> io::Result<()> {
    let number = current.load().number + 1;
    let key = new_key(number)?;
    current.store(Arc::new(Key {
        secret: Secret::from(&*key),
        number,
    }));
    sleep(LAG).await;
    let file = file.to_owned();
    spawn_blocking(move || write(&file, &key)).await?
}

/// Renames a new file over the old one, so that no reader sees half a key.
fn write(path: &Path, key: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    writeln!(file, "{key}")?;
    file.persist(path)?;
    Ok(())
}

fn new_key(number: u64) -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    let random = u128::from_ne_bytes(random);
    Ok(format!("sk-demo-{number}-{random:032x}"))
}

/// Returns the number of a key, which may be an old one.
pub(super) fn number_of(key: &[u8]) -> Option<u64> {
    let key = std::str::from_utf8(key).ok()?.strip_prefix("sk-demo-")?;
    key.split_once('-')?.0.parse().ok()
}
