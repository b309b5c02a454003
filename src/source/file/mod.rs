//! A source that reads a key from a file, and watches and polls that file.
//!
//! A fetch reads the file ([`reader`]) until its content has settled ([`settle`]). The code that
//! needs Unix has a portable twin, which only polls.

mod content;
mod debounce;
mod fault;
mod os;
mod reader;
mod settle;
mod warnings;
mod watch_status;

#[cfg(not(all(unix, not(portable_only))))]
mod portable;
#[cfg(all(unix, not(portable_only)))]
mod unix;

use std::fmt;
#[cfg(feature = "inbound")]
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep};

use self::debounce::Debounce;
use self::reader::{FileOptions, Reader, Reading, WatchMode, WorldReadable};
use self::settle::{LinkTarget, Settling, Verdict};
use self::warnings::Warnings;
use self::watch_status::WatchStatus;
use super::error::SourceError;
use super::fetch::{Fetch, Fetched};
use super::refresh_interval::RefreshInterval;
use super::source_trait::Source;
use crate::blocking;
use crate::clock::sleep_until_deadline;
use crate::fs::{Custody, Strictness};
use crate::secret::Secret;

/// The poll interval while the watch works, and while it does not.
const POLL_WATCHED: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_secs(10);
/// The shortest interval between two fetches. Reading a local file is cheap.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// The pauses after which a missing file is looked up again, 260 ms together.
///
/// Kubernetes removes the old directory a moment after it swaps the link, and a writer may unlink
/// the file before it creates the new one. The tests in `tests/it/file_source/torn.rs` unlink and
/// create, and those in `watch.rs` swap a volume a hundred times.
const MISSING: [Duration; 3] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(200),
];

/// A source that reads a secret from a file, and follows the file while the process runs.
///
/// The value is the content of the file without ASCII white space and byte order marks at both
/// ends. On Unix the source watches the file and sees a change within a fraction of a second. On
/// every system it also polls. It compares contents by their SHA-256, never by a timestamp.
///
/// # Writing the file
///
/// Write a temporary file in the same directory, `fsync` it, and rename it over the old one. The
/// source also waits for a writer that truncates and writes, or unlinks and creates: it accepts
/// content that stays the same for 50 ms. It accepts content at once if a link in the path was
/// swapped, as Kubernetes does with `..data`.
///
/// In Kubernetes, mount the directory of the secret: a `subPath` mount is never updated.
///
/// # Errors
///
/// A failed fetch keeps the last good value. The error contains the path of the file, and never its
/// content:
///
/// | cause | [`SourceErrorKind`](crate::source::SourceErrorKind) |
/// |---|---|
/// | the file is missing for more than 260 ms, is a link to nothing, or keeps changing; an I/O error | `Transient` |
/// | this process may not read the file; its group or everybody may write it; everybody may read it or somebody else could replace it and the source is [`strict`](Self::strict); it belongs to another user than the [`owner`](Self::owner) | `Permanent` |
/// | the file is empty, too large, or not a regular file | `Invalid` |
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use std::{fs, io};
///
/// use tower_rotating_auth::{Rotating, source::FileSource};
///
/// fn write(path: &std::path::Path, key: &str) -> io::Result<()> {
///     let directory = path.parent().unwrap();
///     let temporary = tempfile::NamedTempFile::new_in(directory)?; // readable only by its owner
///     fs::write(&temporary, key)?;
///     temporary.as_file().sync_all()?;
///     temporary.persist(path)?;
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("openai");
/// write(&path, "sk-1\n")?;
///
/// let key = Rotating::start(FileSource::new(&path).poll(Duration::from_secs(1))).await?;
/// assert_eq!(key.current().expose_secret(), b"sk-1");
///
/// let mut changes = key.subscribe();
/// write(&path, "sk-2\n")?;
/// let current = changes.changed().await.expect("the refresh task runs");
/// assert_eq!(current.expose_secret(), b"sk-2");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct FileSource {
    options: FileOptions,
    poll: Option<Duration>,
    /// Locked while a read blocks, even if nobody waits for it any more: a file system that hangs
    /// costs one thread, not one for each attempt.
    reader: Arc<Mutex<Reader>>,
    hints: Arc<Notify>,
    burst: Debounce,
    /// When to ask for the next fetch if the watch does not work.
    recheck_at: Option<Instant>,
    /// Where the links of the path led when content was last accepted.
    target: Option<PathBuf>,
    warnings: Warnings,
}

impl FileSource {
    /// Creates a source for the file at this path. Nothing is read until the first fetch.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let hints = Arc::new(Notify::new());
        Self {
            options: FileOptions {
                path: path.into(),
                max_bytes: None,
                world_readable: WorldReadable::Warn,
                custody: Custody::default(),
                watch: WatchMode::Watch,
            },
            poll: None,
            reader: Arc::new(Mutex::new(Reader::new(Arc::clone(&hints)))),
            hints,
            burst: Debounce::default(),
            recheck_at: None,
            target: None,
            warnings: Warnings::default(),
        }
    }

    /// Sets how often the file is read at least, whether or not it is watched.
    ///
    /// Defaults to 30 s while the watch works, and to 10 s while it does not.
    pub const fn poll(mut self, poll: Duration) -> Self {
        self.poll = Some(poll);
        self
    }

    /// Sets the size limit in bytes. A larger file is an error.
    ///
    /// Defaults to 64 KiB, and to 64 MiB for a [`key_set`](Self::key_set).
    pub const fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.options.max_bytes = Some(max_bytes);
        self
    }

    /// Returns the path of the file.
    #[cfg(feature = "inbound")]
    pub(crate) fn path(&self) -> &Path {
        &self.options.path
    }

    /// Sets the size limit in bytes, unless it is set already.
    pub(crate) const fn max_bytes_or(mut self, max_bytes: usize) -> Self {
        if self.options.max_bytes.is_none() {
            self.options.max_bytes = Some(max_bytes);
        }
        self
    }

    /// Refuses a file that everybody may read, or that somebody else could replace.
    ///
    /// By default the source accepts such a file and logs one warning, since Kubernetes and Docker
    /// mount secrets this way. It always refuses a file that its group or everybody may write.
    ///
    /// Somebody else could replace a file that belongs to another user than root, the user of this
    /// process, and the [`owner`](Self::owner) that was named, and a file in a directory that such
    /// a user may write to. In a sticky directory, such as a Kubernetes volume, only the owner of a
    /// file can replace it.
    pub const fn strict(mut self) -> Self {
        self.options.world_readable = WorldReadable::Refuse;
        self.options.custody.strictness = Strictness::Refuse;
        self
    }

    /// Refuses a file that does not belong to the user of this number.
    ///
    /// By default the source accepts the file of another user than root and the user of this
    /// process, and logs one warning. Only Unix has such numbers.
    pub const fn owner(mut self, uid: u32) -> Self {
        self.options.custody.owner = Some(uid);
        self
    }

    /// Polls the file without watching it.
    pub const fn without_watch(mut self) -> Self {
        self.options.watch = WatchMode::PollOnly;
        self
    }

    /// Reads the file once, off the runtime.
    async fn read(&self) -> Result<Reading, SourceError> {
        let mut reader = Arc::clone(&self.reader).lock_owned().await;
        let options = self.options.clone();
        let reading = blocking::run(move || reader.read(&options)).await;
        reading.map_err(|reason| SourceError::transient(reason.to_string()))
    }

    /// Reads the file until its content has settled.
    async fn settled(
        &mut self,
        ask: &Fetch<'_, Secret>,
    ) -> Result<(Fetched<Secret>, WatchStatus), SourceError> {
        let mut settling = Settling::default();
        let mut pauses = MISSING.into_iter();
        loop {
            let Reading {
                content,
                target,
                watching,
                exposure,
                distrust,
            } = self.read().await?;
            self.warnings.log(&self.options.path, &watching, exposure);
            self.warnings
                .distrusted(&self.options.path, distrust.as_ref());
            let content = match content {
                Ok(content) => content,
                Err(fault) => match pauses.next().filter(|_| fault.may_be_a_swap()) {
                    Some(pause) => {
                        sleep(pause).await;
                        continue;
                    }
                    None => return Err(fault.at(&self.options.path)),
                },
            };
            let digest = content.digest();
            let fetched = if ask.revision.is_some_and(|current| digest.is_of(current)) {
                Fetched::unchanged()
            } else {
                let link = link_target(self.target.as_ref(), target.as_ref());
                match settling.judge(digest, content.fill(), link) {
                    Verdict::Accept => Fetched::new(content.secret()).revision(digest.into()),
                    Verdict::ReadAgain => {
                        sleep(settle::PAUSE).await;
                        continue;
                    }
                    Verdict::GiveUp(fault) => return Err(fault.at(&self.options.path)),
                }
            };
            self.target = target;
            return Ok((fetched, watching));
        }
    }
}

fn link_target(before: Option<&PathBuf>, now: Option<&PathBuf>) -> LinkTarget {
    match (before, now) {
        (Some(before), Some(now)) if before != now => LinkTarget::Swapped,
        _ => LinkTarget::Unchanged,
    }
}

impl Source for FileSource {
    type Value = Secret;

    async fn fetch(&mut self, ask: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        self.recheck_at = None;
        let (fetched, watching) = self.settled(&ask).await?;
        // The engine has one interval, the one for a watch that works: a shorter one is up to us.
        let slow = self.options.watch == WatchMode::Watch && self.poll.is_none();
        self.recheck_at = match watching {
            WatchStatus::Active => None,
            WatchStatus::Failed(_) | WatchStatus::Off => slow.then(|| Instant::now() + POLL),
        };
        Ok(fetched)
    }

    async fn changed(&mut self) {
        loop {
            select! {
                biased;
                () = sleep_until_deadline(self.burst.due()) => {
                    self.burst.clear();
                    return;
                }
                () = sleep_until_deadline(self.recheck_at) => {
                    self.recheck_at = None;
                    return;
                }
                () = self.hints.notified() => self.burst.extend(Instant::now()),
            }
        }
    }

    fn refresh_interval(&self) -> RefreshInterval {
        let poll = self.poll.unwrap_or(match self.options.watch {
            WatchMode::Watch => POLL_WATCHED,
            WatchMode::PollOnly => POLL,
        });
        RefreshInterval::new(poll, MIN_INTERVAL)
    }
}

impl fmt::Debug for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSource")
            .field("options", &self.options)
            .field("poll", &self.poll)
            .finish_non_exhaustive()
    }
}
