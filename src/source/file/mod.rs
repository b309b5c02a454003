//! A key file: watched, polled, and believed only when it is whole.
//!
//! A fetch takes one or more looks ([`probe`]) until what they find is settled ([`settle`]). What the
//! operating system is needed for has a portable twin, which only polls.

mod content;
mod debounce;
mod fault;
mod reader;
mod settle;
mod warnings;
mod watch_status;

#[cfg(not(all(unix, not(portable_only))))]
mod portable;
#[cfg(all(unix, not(portable_only)))]
mod unix;

#[cfg(not(all(unix, not(portable_only))))]
use self::portable as os;
#[cfg(all(unix, not(portable_only)))]
use self::unix as os;

use std::fmt;
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
use crate::secret::Secret;

/// Asked so often while changes are heard of, and while they are not.
const POLL_WATCHED: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_secs(10);
/// A local file is cheap.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// Kubernetes removes the old directory a moment after it has swapped the link, and a writer may unlink
/// before it creates: a file that is missing is looked for again after these pauses.
const MISSING: [Duration; 3] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(200),
];

/// A file whose content is a secret, and which is rewritten while the process runs.
///
/// The value is the content without ASCII white space and byte order marks at both ends. A change is
/// seen within a fraction of a second where the file system tells of changes (Unix), and by a poll
/// everywhere; content is told apart by its SHA-256, never by a timestamp.
///
/// # Writing the file
///
/// Write a temporary file in the same directory, `fsync` it and rename it over the old one. A writer that
/// truncates and writes, or unlinks and creates, is waited for: content is believed when it has stayed the
/// same for 50 ms, or when a link on the way to the file was swapped, as Kubernetes does it with `..data`.
/// Mount the secret's directory: a Kubernetes `subPath` mount is never updated.
///
/// # Errors
///
/// What is wrong keeps the last good value, and is told with the file's path and never with its content:
///
/// | what | [`SourceErrorKind`](crate::source::SourceErrorKind) |
/// |---|---|
/// | missing (also after 260 ms), a link to nothing, changing all the time, an I/O error | `Transient` |
/// | not readable for this process; writable by its group or by everybody; with [`strict`](Self::strict), readable by everybody | `Permanent` |
/// | empty, too large, a directory or whatever else is not a regular file | `Invalid` |
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use std::{fs, io};
///
/// use tower_rotating_auth::{Rotating, source::FileSource};
///
/// fn write(path: &std::path::Path, key: &str) -> io::Result<()> {
///     let directory = path.parent().unwrap();
///     let temporary = tempfile::NamedTempFile::new_in(directory)?; // readable by its owner alone
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
    /// Held by a look for as long as it blocks, even when nobody waits for it any more: a file system
    /// that hangs costs one thread, not one for each attempt.
    reader: Arc<Mutex<Reader>>,
    hints: Arc<Notify>,
    burst: Debounce,
    /// When to ask for a fetch because the watch turned out not to work.
    recheck_at: Option<Instant>,
    /// Where the file was when its content was last believed.
    target: Option<PathBuf>,
    warnings: Warnings,
}

impl FileSource {
    /// The file at this path. Nothing is read until the first fetch.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let hints = Arc::new(Notify::new());
        Self {
            options: FileOptions {
                path: path.into(),
                max_bytes: None,
                world_readable: WorldReadable::Warn,
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

    /// Reads the file at least so often, whether or not changes are heard of; unless told every 30 s while
    /// they are, every 10 s while they are not.
    pub const fn poll(mut self, poll: Duration) -> Self {
        self.poll = Some(poll);
        self
    }

    /// Takes a larger file for a mistake; unless told 64 KiB, or 64 MiB for a [`key_set`](Self::key_set).
    pub const fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.options.max_bytes = Some(max_bytes);
        self
    }

    /// Takes a larger file for a mistake, where nothing was said of that.
    pub(crate) const fn max_bytes_or(mut self, max_bytes: usize) -> Self {
        if self.options.max_bytes.is_none() {
            self.options.max_bytes = Some(max_bytes);
        }
        self
    }

    /// Refuses a file that everybody may read. Unless told it is taken, with one warning, since Kubernetes
    /// mounts secrets so. One that its group or everybody may write is always refused.
    pub const fn strict(mut self) -> Self {
        self.options.world_readable = WorldReadable::Refuse;
        self
    }

    /// Does not watch the file: it is polled alone.
    pub const fn without_watch(mut self) -> Self {
        self.options.watch = WatchMode::PollOnly;
        self
    }

    /// Looks at the file off the runtime.
    async fn read(&self) -> Result<Reading, SourceError> {
        let mut reader = Arc::clone(&self.reader).lock_owned().await;
        let options = self.options.clone();
        let reading = blocking::run(move || reader.read(&options)).await;
        reading.map_err(|reason| SourceError::transient(reason.to_string()))
    }

    /// Looks until what is found is settled.
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
            } = self.read().await?;
            self.warnings.log(&self.options.path, &watching, exposure);
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
        // The engine knows of one pace alone, the one for a watch that works.
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
