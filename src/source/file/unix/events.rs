//! Handles the events of the watcher, on the watcher's own thread.

use std::collections::BTreeSet;
use std::mem::replace;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind};
use tokio::sync::Notify;

/// Turns every change into a hint, and records which watches it invalidates.
pub(crate) struct EventHandler {
    hints: Arc<Notify>,
    state: Mutex<State>,
}

struct State {
    directories: BTreeSet<PathBuf>,
    invalidated: Invalidated,
}

/// What may no longer be watched.
#[derive(Debug)]
pub(crate) enum Invalidated {
    Nothing,
    /// A watched directory was removed, moved or changed, or events were lost. The watcher may have
    /// dropped its watch, and another directory may even have the same inode.
    Directories,
    /// The watcher itself failed.
    Watcher(notify::Error),
}

impl EventHandler {
    pub(crate) fn new(hints: Arc<Notify>) -> Self {
        Self {
            hints,
            state: Mutex::new(State {
                directories: BTreeSet::new(),
                invalidated: Invalidated::Nothing,
            }),
        }
    }

    /// Sets which directories are watched.
    pub(crate) fn set_watched(&self, directories: BTreeSet<PathBuf>) {
        self.state().directories = directories;
    }

    /// Returns what was invalidated since the last call.
    pub(crate) fn take_invalidated(&self) -> Invalidated {
        replace(&mut self.state().invalidated, Invalidated::Nothing)
    }

    pub(crate) fn handle(&self, event: notify::Result<Event>) {
        match event {
            Ok(event) => {
                if is_read(event.kind) && !event.need_rescan() {
                    return; // our own reads cause events, too
                }
                let mut state = self.state();
                let about_watched = event
                    .paths
                    .iter()
                    .any(|path| state.directories.contains(path));
                if (about_watched || event.need_rescan())
                    && matches!(state.invalidated, Invalidated::Nothing)
                {
                    state.invalidated = Invalidated::Directories;
                }
            }
            Err(error) => self.state().invalidated = Invalidated::Watcher(error),
        }
        self.hints.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether the event changes nothing.
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

    /// Returns whether an event causes a hint, and what it invalidates while `/run/keys` is
    /// watched.
    fn handle(event: notify::Result<Event>) -> (bool, Invalidated) {
        let hints = Arc::new(Notify::new());
        let handler = EventHandler::new(Arc::clone(&hints));
        handler.set_watched(BTreeSet::from(["/run/keys".into()]));
        handler.handle(event);
        (
            hints.notified().now_or_never().is_some(),
            handler.take_invalidated(),
        )
    }

    fn event(kind: EventKind, path: &str) -> notify::Result<Event> {
        Ok(Event::new(kind).add_path(path.into()))
    }

    #[test]
    fn read_events_are_ignored() {
        for kind in [
            AccessKind::Open(AccessMode::Any),
            AccessKind::Close(AccessMode::Read),
            AccessKind::Read,
        ] {
            let (hint, invalidated) = handle(event(EventKind::Access(kind), "/run/keys/openai"));
            assert!(
                !hint && matches!(invalidated, Invalidated::Nothing),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn other_events_cause_a_hint() {
        for kind in [
            EventKind::Any,
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            EventKind::Modify(ModifyKind::Data(DataChange::Any)),
            EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)),
            EventKind::Modify(ModifyKind::Name(RenameMode::To)),
            EventKind::Remove(RemoveKind::File),
        ] {
            let (hint, invalidated) = handle(event(kind, "/run/keys/..data"));
            assert!(
                hint && matches!(invalidated, Invalidated::Nothing),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn directory_event_invalidates_its_watch() {
        let (hint, invalidated) = handle(event(EventKind::Remove(RemoveKind::Folder), "/run/keys"));
        assert!(hint && matches!(invalidated, Invalidated::Directories));
    }

    #[test]
    fn lost_events_invalidate_all_watches() {
        let (hint, invalidated) = handle(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(hint && matches!(invalidated, Invalidated::Directories));
    }

    #[test]
    fn error_invalidates_the_watcher() {
        let (hint, invalidated) = handle(Err(notify::Error::generic("broken")));
        assert!(hint && matches!(invalidated, Invalidated::Watcher(_)));
    }
}
