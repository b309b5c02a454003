//! The note beside a key file: the highest serial that was written.

#[cfg(all(feature = "file", feature = "key-file"))]
pub(super) use self::beside::Note;
#[cfg(not(all(feature = "file", feature = "key-file")))]
pub(super) use self::nowhere::Note;

#[cfg(all(feature = "file", feature = "key-file"))]
mod beside {
    use std::path::{Path, PathBuf};

    use crate::blocking;
    use crate::fs::{Paths, noted_serial};
    use crate::source::SourceError;

    /// Where the note may be.
    pub(in crate::inbound::key_set) struct Note(Option<PathBuf>);

    impl Note {
        pub(in crate::inbound::key_set) const fn none() -> Self {
            Self(None)
        }

        pub(in crate::inbound::key_set) fn beside(key_file: &Path) -> Self {
            Self(Some(key_file.to_owned()))
        }

        /// Returns the serial in the note, if there is one.
        pub(in crate::inbound::key_set) async fn read(&self) -> Result<Option<u64>, SourceError> {
            let Some(key_file) = self.0.clone() else {
                return Ok(None);
            };
            let read = blocking::run(move || read(&key_file)).await;
            read.map_err(|reason| SourceError::transient(reason.to_string()))?
        }
    }

    fn read(key_file: &Path) -> Result<Option<u64>, SourceError> {
        // Without a key file, the source says what is wrong.
        let Ok(paths) = Paths::resolve(key_file) else {
            return Ok(None);
        };
        noted_serial(&paths).map_err(|(note, error)| {
            SourceError::transient(format!(
                "the last serial cannot be read from {:?}; check that this user may read it",
                note.file
            ))
            .with_source(error)
        })
    }
}

#[cfg(not(all(feature = "file", feature = "key-file")))]
mod nowhere {
    #[cfg(feature = "file")]
    use std::path::Path;

    use crate::source::SourceError;

    /// No note: nobody writes one.
    pub(in crate::inbound::key_set) struct Note;

    impl Note {
        pub(in crate::inbound::key_set) const fn none() -> Self {
            Self
        }

        #[cfg(feature = "file")]
        pub(in crate::inbound::key_set) fn beside(_: &Path) -> Self {
            Self
        }

        #[expect(clippy::unused_async, reason = "the other one reads a file")]
        pub(in crate::inbound::key_set) async fn read(&self) -> Result<Option<u64>, SourceError> {
            Ok(None)
        }
    }
}
