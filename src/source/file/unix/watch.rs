//! The watch: tells that something changed on the way to the file, never what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem::forget;
use std::os::unix::fs::MetadataExt;
use std::path::{self, Path, PathBuf};
use std::sync::Arc;

use notify::{Config, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::link_chain as trail;
use super::watcher::{Doubt, PathWatcher};
use crate::source::file::probe::Watching;

/// How often the way to the file is looked at again because it changed while it was looked at.
const ROUNDS: u32 = 3;

/// Watches the directories on the way to a file. It never fails: what cannot be watched is polled.
pub(crate) struct Watch {
    watcher: State,
    armed: Directories,
    ears: Arc<PathWatcher>,
}

/// Directories by path, with what tells whether another one has taken the path over.
type Directories = BTreeMap<PathBuf, Identity>;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    device: u64,
    inode: u64,
}

enum State {
    NotYet,
    On(RecommendedWatcher),
    /// It failed while it ran, and is not trusted again.
    Off,
}

impl Watch {
    pub(crate) fn new(hints: Arc<Notify>) -> Self {
        Self {
            watcher: State::NotYet,
            armed: Directories::new(),
            ears: Arc::new(PathWatcher::new(hints)),
        }
    }

    /// Watches what is now the way to `path`. What changes after this returns is heard of.
    pub(crate) fn arm(&mut self, path: &Path) -> Watching {
        if matches!(self.watcher, State::Off) {
            return Watching::No;
        }
        match self.try_arm(path) {
            Ok(()) => Watching::Works,
            Err(error) => Watching::Fails(error.into()),
        }
    }

    fn try_arm(&mut self, path: &Path) -> notify::Result<()> {
        let path = path::absolute(path)?;
        let mut outcome = Ok(());
        for _ in 0..ROUNDS {
            match self.ears.take_doubt() {
                Doubt::None => {}
                Doubt::Directories => self.disarm(|_, _| false),
                Doubt::Watcher(error) => {
                    self.armed.clear();
                    self.watcher = State::Off;
                    return Err(error);
                }
            }
            let wanted = identified(trail::directories(&path, trail::entry));
            if wanted == self.armed {
                return Ok(());
            }
            outcome = self.rearm(wanted);
        }
        outcome
    }

    /// Watches these directories and no others, as far as that can be done.
    fn rearm(&mut self, wanted: Directories) -> notify::Result<()> {
        // Before the new ones are watched: one directory under two names has one watch, and the second
        // name would lose it with the first.
        self.disarm(|path, identity| wanted.get(path) == Some(identity));
        self.ears.know(wanted.keys().cloned().collect());
        let watcher = self.watcher.on(&self.ears)?;
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
        let State::On(watcher) = &mut self.watcher else {
            return;
        };
        self.armed.retain(|directory, identity| {
            let keep = keep(directory, identity);
            if !keep {
                // It fails where the directory is gone, and the watch with it.
                drop(watcher.unwatch(directory));
            }
            keep
        });
    }
}

impl State {
    fn on(&mut self, ears: &Arc<PathWatcher>) -> notify::Result<&mut RecommendedWatcher> {
        if !matches!(self, Self::On(_)) {
            let ears = Arc::clone(ears);
            let mut watcher = notify::recommended_watcher(move |heard| ears.hear(heard))?;
            // A watcher whose thread could not be started does not say so: it panics, also when it is
            // dropped. This asks the thread for a sign of life.
            if let Err(error) = watcher.configure(Config::default()) {
                forget(watcher);
                return Err(error);
            }
            *self = Self::On(watcher);
        }
        match self {
            Self::On(watcher) => Ok(watcher),
            Self::NotYet | Self::Off => Err(notify::Error::generic("no watcher")),
        }
    }
}

/// Looks up which directories stand at these paths now: before they are watched, so that one which is
/// replaced meanwhile differs the next time.
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
