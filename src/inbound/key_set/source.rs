//! Sources of key sets: they turn a secret into a key set.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use super::error::{KeySetError, KeySetErrorKind};
use super::note::Note;
use super::set::KeySet;
use crate::blocking;
use crate::clock::WallClock;
use crate::secret::Secret;
#[cfg(feature = "file")]
use crate::source::FileSource;
use crate::source::{
    BoxSource, Fetch, FetchReason, Fetched, RefreshInterval, Source, SourceConfig, SourceError,
};

/// The greatest size of a key file, in bytes: some hundred thousand keys.
const MAX_KEY_SET_BYTES: usize = 64 * 1024 * 1024;

/// Turns a source of secrets into a source of key sets. Every source of [`Secret`]s implements it.
pub trait IntoKeySet: Source<Value = Secret> + Sized {
    /// Reads each secret as a key file or a list of plain keys: see
    /// [`KeySet::parse`](crate::inbound::KeySet::parse).
    ///
    /// The first set must hold an active key, or the service does not start. A later set that is
    /// empty or older than the current one is refused, and the current one stays in force.
    fn key_set(self) -> KeySetSource<Self> {
        KeySetSource::new(self)
    }
}

impl<S: Source<Value = Secret>> IntoKeySet for S {}

#[cfg(feature = "file")]
impl FileSource {
    /// As [`IntoKeySet::key_set`], with a greater limit for the file: it defaults to 64 MiB.
    ///
    /// A [`FileStore`](crate::keyring::FileStore) notes the last serial that it wrote in
    /// `<file>.serial`. If that note lies beside the file, a set of a lower serial is refused, also
    /// at the start: an older copy could bring a revoked key back.
    #[must_use]
    pub fn key_set(self) -> KeySetSource<Self> {
        let note = Note::beside(self.path());
        KeySetSource::new(self.max_bytes_or(MAX_KEY_SET_BYTES)).with_note(note)
    }
}

impl SourceConfig {
    /// Creates a source of key sets, as [`IntoKeySet::key_set`] does.
    ///
    /// The size limit of a file defaults to 64 MiB. As with [`FileSource::key_set`], an older copy
    /// of a key file is refused.
    #[must_use]
    pub fn key_set(self) -> KeySetSource<BoxSource<Secret>> {
        let note = match &self {
            #[cfg(feature = "file")]
            Self::File { path, .. } => Note::beside(path),
            _ => Note::none(),
        };
        KeySetSource::new(self.into_source_up_to(Some(MAX_KEY_SET_BYTES))).with_note(note)
    }
}

/// A source of key sets, created by [`IntoKeySet::key_set`].
pub struct KeySetSource<S> {
    source: S,
    note: Note,
    emptiness: Emptiness,
    wall: WallClock,
}

/// What a set without keys means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Emptiness {
    IsAMistake,
    IsMeant,
}

impl<S> KeySetSource<S> {
    fn new(source: S) -> Self {
        Self {
            source,
            note: Note::none(),
            emptiness: Emptiness::IsAMistake,
            wall: Arc::new(SystemTime::now),
        }
    }

    fn with_note(mut self, note: Note) -> Self {
        self.note = note;
        self
    }

    /// Accepts a set without keys, and starts without an active key, to lock everybody out.
    ///
    /// By default, both are errors. A key file without keys still says `version = 1`; a file
    /// without content stays an error.
    #[must_use]
    pub fn allow_empty(mut self) -> Self {
        self.emptiness = Emptiness::IsMeant;
        self
    }

    /// Reads the wall clock by `clock`, for tests. Defaults to [`SystemTime::now`].
    ///
    /// It decides whether the first set holds an active key. Requests are judged by the clock of
    /// [`RotatingBuilder::wall_clock`](crate::rotating::RotatingBuilder::wall_clock).
    #[must_use]
    pub fn wall_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.wall = Arc::new(clock);
        self
    }
}

/// How to read a text.
struct Parser {
    emptiness: Emptiness,
    wall: WallClock,
    current: Option<KeySet>,
    /// The serial that was noted before the text was read.
    noted: Option<u64>,
}

impl Parser {
    fn parse(&self, text: &Secret) -> Result<KeySet, KeySetError> {
        let empty_is_meant = self.emptiness == Emptiness::IsMeant;
        let current = self.current.as_ref();
        let set = match KeySet::parse(text) {
            Err(error) if empty_is_meant && error.kind() == KeySetErrorKind::Empty => {
                return Ok(KeySet::empty_as_of(text, current));
            }
            parsed => parsed?,
        };
        set.not_older_than_noted(self.noted)?;
        if let Some(current) = current {
            set.not_older_than(current)?;
        } else if !empty_is_meant {
            set.fit_at((self.wall)())?;
        }
        Ok(set)
    }
}

impl<S: Source<Value = Secret>> Source for KeySetSource<S> {
    type Value = KeySet;

    async fn fetch(&mut self, ask: Fetch<'_, KeySet>) -> Result<Fetched<KeySet>, SourceError> {
        let current = ask.current.filter(|_| ask.reason != FetchReason::Start);
        // The note first: a writer writes it after the file, so the file that follows is not older.
        let noted = self.note.read().await?;
        let parser = Parser {
            emptiness: self.emptiness,
            wall: Arc::clone(&self.wall),
            current: current.cloned(),
            noted,
        };
        match self
            .source
            .fetch(ask.of_another_type().for_key_set())
            .await?
        {
            Fetched::Unchanged { expires_at } => Ok(Fetched::Unchanged { expires_at }),
            Fetched::Value {
                value: text,
                revision,
                expires_at,
            } => {
                // A large text takes seconds.
                let parsed = blocking::run(move || parser.parse(&text)).await;
                let parsed = parsed.map_err(|reason| SourceError::transient(reason.to_string()))?;
                let value = parsed.map_err(|error| {
                    SourceError::invalid("the key set cannot be used").with_source(error)
                })?;
                Ok(Fetched::Value {
                    value,
                    revision,
                    expires_at,
                })
            }
        }
    }

    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        self.source.changed()
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.source.refresh_interval()
    }
}

impl<S: fmt::Debug> fmt::Debug for KeySetSource<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySetSource")
            .field("source", &self.source)
            .field("emptiness", &self.emptiness)
            .finish_non_exhaustive()
    }
}
