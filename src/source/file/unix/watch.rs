//! Watches the directories of a path. An event means that something changed, never what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem::forget;
use std::os::unix::fs::MetadataExt;
use std::path::{self, Path, PathBuf};
use std::sync::Arc;

use notify::{Config, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::events::{EventHandler, Invalidated};
use super::link_chain::{directories, entry};
use crate::source::file::watch_status::WatchStatus;

/// How often the watches are set up again because the path changed meanwhile.
const ATTEMPTS: u32 = 3;

/// Watches the directories of a path. It never fails: what cannot be watched is polled.
pub(crate) struct Watch {
    watcher: WatcherState,
    armed: Directories,
    handler: Arc<EventHandler>,
}

/// Directories by path, with an identity that shows whether another one has taken the path.
type Directories = BTreeMap<PathBuf, Identity>;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    device: u64,
    inode: u64,
}

enum WatcherState {
    Unused,
    On(RecommendedWatcher),
    /// It failed while it ran, and is not used again.
    Off,
}

impl Watch {
    pub(crate) fn new(hints: Arc<Notify>) -> Self {
        Self {
            watcher: WatcherState::Unused,
            armed: Directories::new(),
            handler: Arc::new(EventHandler::new(hints)),
        }
    }

    /// Watches the directories of `path` as it is now. Changes after this returns cause a hint.
    pub(crate) fn arm(&mut self, path: &Path) -> WatchStatus {
        if matches!(self.watcher, WatcherState::Off) {
            return WatchStatus::Off;
        }
        match self.try_arm(path) {
            Ok(()) => WatchStatus::Active,
            Err(error) => WatchStatus::Failed(error.into()),
        }
    }

    fn try_arm(&mut self, path: &Path) -> notify::Result<()> {
        let path = path::absolute(path)?;
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS {
            match self.handler.take_invalidated() {
                Invalidated::Nothing => {}
                Invalidated::Directories => self.disarm(|_, _| false),
                Invalidated::Watcher(error) => {
                    self.armed.clear();
                    self.watcher = WatcherState::Off;
                    return Err(error);
                }
            }
            let wanted = identified(directories(&path, entry));
            if wanted == self.armed {
                return Ok(());
            }
            outcome = self.rearm(wanted);
        }
        outcome
    }

    /// Watches these directories and no others, as far as possible.
    fn rearm(&mut self, wanted: Directories) -> notify::Result<()> {
        // Before the new ones are watched: a directory under two names has one watch, and the
        // second name would lose it together with the first.
        self.disarm(|path, identity| wanted.get(path) == Some(identity));
        self.handler.set_watched(wanted.keys().cloned().collect());
        let watcher = self.watcher.on(&self.handler)?;
        let mut outcome = Ok(());
        for (directory, identity) in wanted {
            if self.armed.contains_key(&directory) {
                continue;
            }
            match watcher.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.armed.insert(directory, identity);
                }
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    fn disarm(&mut self, keep: impl Fn(&Path, &Identity) -> bool) {
        let WatcherState::On(watcher) = &mut self.watcher else {
            return;
        };
        self.armed.retain(|directory, identity| {
            let keep = keep(directory, identity);
            if !keep {
                // Fails if the directory is gone, and its watch with it.
                drop(watcher.unwatch(directory));
            }
            keep
        });
    }
}

impl WatcherState {
    fn on(&mut self, handler: &Arc<EventHandler>) -> notify::Result<&mut RecommendedWatcher> {
        if !matches!(self, Self::On(_)) {
            let handler = Arc::clone(handler);
            let mut watcher = notify::recommended_watcher(move |event| handler.handle(event))?;
            // A watcher whose thread could not be started panics later, even when it is dropped.
            // `configure` waits for an answer of that thread.
            if let Err(error) = watcher.configure(Config::default()) {
                forget(watcher);
                return Err(error);
            }
            *self = Self::On(watcher);
        }
        match self {
            Self::On(watcher) => Ok(watcher),
            Self::Unused | Self::Off => Err(notify::Error::generic("no watcher")),
        }
    }
}

/// Returns which directories are at these paths. Called before they are watched: one that is
/// replaced in between differs the next time.
fn identified(paths: BTreeSet<PathBuf>) -> Directories {
    let mut known = BTreeSet::new();
    let identified = paths.into_iter().filter_map(|path| {
        let found = fs::symlink_metadata(&path).ok()?;
        let identity = Identity {
            device: found.dev(),
            inode: found.ino(),
        };
        known.insert(identity).then_some((path, identity))
    });
    identified.collect()
}
