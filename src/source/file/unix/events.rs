//! Decides what an event of the watcher means.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind};

use crate::source::file::changes::{Changes, Writer};

/// The watched names, by their folder.
pub(crate) type Names = BTreeMap<PathBuf, BTreeSet<OsString>>;

/// What an event means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing has changed at the watched names.
    Nothing,
    /// Something has changed. The event may say something about the writer.
    Changed(Option<Writer>),
    /// The watch has to be set up again.
    Lost,
}

/// Records an event, on the watcher's own thread.
pub(crate) fn handle(
    event: notify::Result<Event>,
    names: &Names,
    changes: &Changes,
    lost: &AtomicBool,
) {
    let meaning = event.map_or(Meaning::Lost, |event| meaning(&event, names));
    match meaning {
        Meaning::Nothing => {}
        Meaning::Changed(writer) => changes.record(writer),
        Meaning::Lost => {
            lost.store(true, Ordering::Release);
            changes.record(None);
        }
    }
}

/// Decides what an event means for the watched names.
fn meaning(event: &Event, names: &Names) -> Meaning {
    if event.need_rescan() {
        return Meaning::Lost;
    }
    let Some(change) = change(event.kind) else {
        return Meaning::Nothing;
    };
    // The watcher reports a folder itself if it was moved, removed or changed. It may have dropped
    // its watch, and another folder may even have the same inode by now.
    if event.paths.iter().any(|path| names.contains_key(path)) {
        return Meaning::Lost;
    }
    // The last path is the one that was renamed to.
    match event.paths.last() {
        Some(path) if is_watched(path, names) => Meaning::Changed(change),
        _ if event.paths.iter().any(|path| is_watched(path, names)) => Meaning::Changed(None),
        _ => Meaning::Nothing,
    }
}

fn is_watched(path: &Path, names: &Names) -> bool {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return false;
    };
    names.get(folder).is_some_and(|names| names.contains(name))
}

/// Returns what an event of this kind says about the writer, or `None` if it changes nothing, as
/// our own reads do.
fn change(kind: EventKind) -> Option<Option<Writer>> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Some(Writer::Closed)),
        EventKind::Access(_) => None,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_)) => {
            Some(Some(Writer::Writing))
        }
        EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both)) => {
            Some(Some(Writer::Renamed))
        }
        _ => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use notify::event::{CreateKind, DataChange, Flag, MetadataKind, RemoveKind};

    use super::*;

    /// Decides what an event means while `openai` and `..data` are watched in `/run/keys`.
    fn of(kind: EventKind, paths: &[&str]) -> Meaning {
        let paths = paths.iter();
        let event = paths.fold(Event::new(kind), |event, path| event.add_path(path.into()));
        meaning(&event, &names())
    }

    fn names() -> Names {
        let names = ["openai", "..data"].map(OsString::from);
        Names::from([("/run/keys".into(), BTreeSet::from(names))])
    }

    const MODIFY: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const CLOSE: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));

    fn rename(mode: RenameMode) -> EventKind {
        EventKind::Modify(ModifyKind::Name(mode))
    }

    #[test]
    fn read_events_are_ignored() {
        for kind in [
            AccessKind::Open(AccessMode::Any),
            AccessKind::Close(AccessMode::Read),
            AccessKind::Read,
        ] {
            let meaning = of(EventKind::Access(kind), &["/run/keys/openai"]);
            assert_eq!(meaning, Meaning::Nothing, "{kind:?}");
        }
    }

    #[test]
    fn events_of_other_names_are_ignored() {
        for kind in [MODIFY, CLOSE, EventKind::Create(CreateKind::File)] {
            for path in ["/run/keys/app.log", "/run/keys/openai~", "/run/openai"] {
                assert_eq!(of(kind, &[path]), Meaning::Nothing, "{kind:?} {path}");
            }
        }
    }

    #[test]
    fn events_say_what_the_writer_does() {
        for (kind, writer) in [
            (EventKind::Create(CreateKind::File), Some(Writer::Writing)),
            (MODIFY, Some(Writer::Writing)),
            (CLOSE, Some(Writer::Closed)),
            (rename(RenameMode::To), Some(Writer::Renamed)),
            (rename(RenameMode::From), None),
            (EventKind::Remove(RemoveKind::File), None),
            (
                EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)),
                None,
            ),
            (EventKind::Any, None),
        ] {
            for path in ["/run/keys/openai", "/run/keys/..data"] {
                assert_eq!(of(kind, &[path]), Meaning::Changed(writer), "{kind:?}");
            }
        }
    }

    #[test]
    fn rename_tells_which_name_was_taken() {
        let [other, ours] = ["/run/keys/next", "/run/keys/openai"];
        let both = rename(RenameMode::Both);
        let taken = Meaning::Changed(Some(Writer::Renamed));
        assert_eq!(of(both, &[other, ours]), taken);
        assert_eq!(of(both, &[ours, other]), Meaning::Changed(None));
        assert_eq!(of(both, &[other, other]), Meaning::Nothing);
    }

    #[test]
    fn folder_event_loses_its_watch() {
        for kind in [
            EventKind::Remove(RemoveKind::Folder),
            rename(RenameMode::From),
        ] {
            assert_eq!(of(kind, &["/run/keys"]), Meaning::Lost);
        }
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        assert_eq!(of(opened, &["/run/keys"]), Meaning::Nothing);
    }

    #[test]
    fn lost_events_and_errors_lose_the_watch() {
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        for event in [Ok(overflow), Err(notify::Error::generic("broken"))] {
            let (changes, lost) = (Changes::default(), AtomicBool::new(false));
            let mark = changes.last();
            handle(event, &names(), &changes, &lost);
            assert!(lost.into_inner());
            assert_eq!(changes.after(mark).now_or_never(), Some(()));
        }
    }
}
