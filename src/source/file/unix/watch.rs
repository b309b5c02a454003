//! Watches the folders of a path, for the names on the way to the file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::mem::forget;
use std::os::unix::fs::MetadataExt;
use std::path::{self, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::{Config, RecommendedWatcher, RecursiveMode, Watcher};

use super::events::{Names, handle};
use super::link_chain::{entry, names};
use crate::source::file::changes::Changes;
use crate::source::file::warnings::WatchError;

/// How often the watch is set up again because the path changed meanwhile.
const ATTEMPTS: u32 = 3;

/// Watches the folders of a path. What cannot be watched is polled.
pub(crate) struct Watch {
    changes: Arc<Changes>,
    armed: Option<Armed>,
}

/// A watch for the folders as they were.
struct Armed {
    folders: Folders,
    /// A folder was moved or removed, or events were lost.
    lost: Arc<AtomicBool>,
    _watcher: RecommendedWatcher,
}

/// The folders, each with an identity that shows whether another one has taken the path.
type Folders = BTreeMap<PathBuf, (Option<Identity>, BTreeSet<OsString>)>;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Watch {
    pub(crate) const fn new(changes: Arc<Changes>) -> Self {
        Self {
            changes,
            armed: None,
        }
    }

    /// Watches `path` as it is now. Every change after this returns is recorded.
    pub(crate) fn arm(&mut self, path: &Path) -> Result<(), WatchError> {
        let path = path::absolute(path)?;
        for _ in 0..ATTEMPTS {
            let folders = identified(names(&path, entry));
            let is_armed =
                |armed: &Armed| armed.folders == folders && !armed.lost.load(Ordering::Acquire);
            if self.armed.as_ref().is_some_and(is_armed) {
                break;
            }
            self.armed = None;
            self.changes.forget_writer();
            let (armed, outcome) = Armed::new(folders, &self.changes)?;
            self.armed = Some(armed);
            outcome?;
        }
        Ok(())
    }
}

impl Armed {
    /// Watches these folders, as far as possible.
    fn new(folders: Folders, changes: &Arc<Changes>) -> notify::Result<(Self, notify::Result<()>)> {
        let lost = Arc::new(AtomicBool::new(false));
        let wanted = folders.iter();
        let wanted: Names = wanted
            .map(|(folder, (_, names))| (folder.clone(), names.clone()))
            .collect();
        let mut watcher = notify::recommended_watcher({
            let (changes, lost) = (Arc::clone(changes), Arc::clone(&lost));
            move |event| handle(event, &wanted, &changes, &lost)
        })?;
        // A watcher whose thread could not be started panics later, even when it is dropped.
        // `configure` waits for an answer of that thread.
        if let Err(error) = watcher.configure(Config::default()) {
            forget(watcher);
            return Err(error);
        }
        let mut outcome = Ok(());
        for folder in folders.keys() {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                outcome = Err(error);
            }
        }
        let armed = Self {
            folders,
            lost,
            _watcher: watcher,
        };
        Ok((armed, outcome))
    }
}

/// Returns which folders are at these paths. Called before they are watched: one that is replaced
/// in between differs the next time.
fn identified(names: Names) -> Folders {
    names
        .into_iter()
        .map(|(folder, names)| {
            let found = fs::symlink_metadata(&folder).ok();
            let identity = found.map(|found| Identity {
                device: found.dev(),
                inode: found.ino(),
            });
            (folder, (identity, names))
        })
        .collect()
}
