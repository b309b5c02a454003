//! What is heard on the watcher's own thread.

use std::collections::BTreeSet;
use std::mem::replace;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind};
use tokio::sync::Notify;

/// Passes every change on as a hint, and keeps in mind what it means for the watch itself.
pub(crate) struct PathWatcher {
    hints: Arc<Notify>,
    mind: Mutex<Mind>,
}

struct Mind {
    directories: BTreeSet<PathBuf>,
    doubt: Doubt,
}

/// What may no longer be watched.
#[derive(Debug)]
pub(crate) enum Doubt {
    None,
    /// A watched directory was removed, moved or changed, or events were lost: the watcher may have
    /// dropped its watch, and another directory may even have the same inode.
    Directories,
    /// The watcher itself failed.
    Watcher(notify::Error),
}

impl PathWatcher {
    pub(crate) fn new(hints: Arc<Notify>) -> Self {
        Self {
            hints,
            mind: Mutex::new(Mind {
                directories: BTreeSet::new(),
                doubt: Doubt::None,
            }),
        }
    }

    /// Tells which directories are watched.
    pub(crate) fn know(&self, directories: BTreeSet<PathBuf>) {
        self.mind().directories = directories;
    }

    /// What is in doubt since the last time this was asked.
    pub(crate) fn take_doubt(&self) -> Doubt {
        replace(&mut self.mind().doubt, Doubt::None)
    }

    pub(crate) fn hear(&self, heard: notify::Result<Event>) {
        match heard {
            Ok(event) => {
                if is_read(event.kind) && !event.need_rescan() {
                    return; // our own reads are heard, too
                }
                let mut mind = self.mind();
                let about_watched = event
                    .paths
                    .iter()
                    .any(|path| mind.directories.contains(path));
                if (about_watched || event.need_rescan()) && matches!(mind.doubt, Doubt::None) {
                    mind.doubt = Doubt::Directories;
                }
            }
            Err(error) => self.mind().doubt = Doubt::Watcher(error),
        }
        self.hints.notify_one();
    }

    fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the event changes nothing.
fn is_read(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use notify::event::{
        AccessMode, DataChange, Flag, MetadataKind, ModifyKind, RemoveKind, RenameMode,
    };

    use super::*;

    /// What an event leads to: a hint, and doubt about the watched `/run/keys`.
    fn hear(heard: notify::Result<Event>) -> (bool, Doubt) {
        let hints = Arc::new(Notify::new());
        let ears = PathWatcher::new(Arc::clone(&hints));
        ears.know(BTreeSet::from(["/run/keys".into()]));
        ears.hear(heard);
        (hints.notified().now_or_never().is_some(), ears.take_doubt())
    }

    fn event(kind: EventKind, path: &str) -> notify::Result<Event> {
        Ok(Event::new(kind).add_path(path.into()))
    }

    #[test]
    fn a_read_is_no_change() {
        for kind in [
            AccessKind::Open(AccessMode::Any),
            AccessKind::Close(AccessMode::Read),
            AccessKind::Read,
        ] {
            let (hint, doubt) = hear(event(EventKind::Access(kind), "/run/keys/openai"));
            assert!(!hint && matches!(doubt, Doubt::None), "{kind:?}");
        }
    }

    #[test]
    fn everything_else_is_whatever_its_name() {
        for kind in [
            EventKind::Any,
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            EventKind::Modify(ModifyKind::Data(DataChange::Any)),
            EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)),
            EventKind::Modify(ModifyKind::Name(RenameMode::To)),
            EventKind::Remove(RemoveKind::File),
        ] {
            let (hint, doubt) = hear(event(kind, "/run/keys/..data"));
            assert!(hint && matches!(doubt, Doubt::None), "{kind:?}");
        }
    }

    #[test]
    fn a_change_of_a_watched_directory_itself_puts_its_watch_in_doubt() {
        let (hint, doubt) = hear(event(EventKind::Remove(RemoveKind::Folder), "/run/keys"));
        assert!(hint && matches!(doubt, Doubt::Directories));
    }

    #[test]
    fn lost_events_put_every_watch_in_doubt() {
        let (hint, doubt) = hear(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(hint && matches!(doubt, Doubt::Directories));
    }

    #[test]
    fn an_error_puts_the_watcher_in_doubt() {
        let (hint, doubt) = hear(Err(notify::Error::generic("broken")));
        assert!(hint && matches!(doubt, Doubt::Watcher(_)));
    }
}
