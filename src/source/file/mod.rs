//! A source that reads a key from a file, and watches and polls that file.
//!
//! The watch ([`changes`]) and a look at the path every second say that something may have changed.
//! A read ([`reader`]) says whether it has. A fetch reads until the content has settled
//! ([`settle`]). The code that needs Unix has a portable twin, which only polls.

mod changes;
mod content;
mod facts;
mod fault;
mod follow;
mod os;
mod reader;
mod settle;
mod warnings;

#[cfg(not(all(unix, not(portable_only))))]
mod portable;
#[cfg(all(unix, not(portable_only)))]
mod unix;

#[cfg(test)]
#[cfg(all(unix, not(portable_only)))]
mod tests;

use std::fmt;
#[cfg(feature = "inbound")]
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use self::content::Field;
use self::follow::Follower;
use self::reader::{FileOptions, WatchMode, WorldReadable};
use super::error::SourceError;
use super::fetch::{Fetch, Fetched};
use super::key_check::KeyCheck;
use super::refresh_interval::RefreshInterval;
use super::source_trait::Source;
use crate::fs::{Custody, Strictness};
use crate::secret::Secret;

/// How often the content is read, whatever the watch and the file system say.
const POLL: Duration = Duration::from_secs(10);
/// The shortest interval between two fetches. Reading a local file is cheap, and only new content
/// causes a fetch.
const MIN_INTERVAL: Duration = Duration::from_millis(20);

/// A source that reads a secret from a file, and follows the file while the process runs.
///
/// The value is the content of the file without ASCII white space and byte order marks at both
/// ends, or [one field](Self::field) of it. On Unix the source watches the file and sees a change
/// within milliseconds. On every system it also looks at the file every second, and reads it every
/// 10 s. It compares contents by their SHA-256. A change beside the file, and a write that changes
/// nothing, cause no fetch.
///
/// # Writing the file
///
/// Write a temporary file in the same directory, `fsync` it, and rename it over the old one. The
/// source accepts a renamed file and a swapped link at once, such as `..data` in Kubernetes.
///
/// It also accepts content that is written in place. While the watch works, it waits until the
/// writer closes the file, or keeps it open for 600 ms without a write. A key set must then stay
/// the same for 20 ms. What the watch cannot see must stay the same for 50 ms.
///
/// The watch cannot see writes from another host or container, such as on NFS or through a bind
/// mount. The source finds those within 1.1 s. In Kubernetes and Docker, mount the directory of the
/// secret. A `subPath` mount, or a mount of the file alone, does not follow a rename. The source
/// logs a warning about it.
///
/// # What is refused
///
/// Content that is not a key, but what programs leave in its place: words such as `null` and
/// `undefined`, a key in quotes, JSON, and `NAME=value`. Use [`field`](Self::field) for a dotenv or
/// JSON file, and [`allow_any_content`](Self::allow_any_content) to accept any content. A key set
/// is never checked this way.
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
/// | the file is empty, too large, not a regular file, or holds no key | `Invalid` |
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
    follower: Follower,
}

impl FileSource {
    /// Creates a source for the file at this path. Nothing is read until the first fetch.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            options: FileOptions {
                path: path.into(),
                field: None,
                check: KeyCheck::On,
                max_bytes: None,
                world_readable: WorldReadable::Warn,
                custody: Custody::default(),
                watch: WatchMode::Watch,
            },
            poll: None,
            follower: Follower::new(),
        }
    }

    /// Reads one field of a dotenv or JSON file instead of the whole content.
    ///
    /// In a JSON object, the field is a string at the top level. Any other file holds lines
    /// `NAME=value`, with an optional `export`, quotes and comments, of which the last one with
    /// this name counts. Nothing is expanded.
    pub fn field(mut self, name: impl Into<String>) -> Self {
        self.options.field = Some(Field::new(name.into()));
        self
    }

    /// Accepts any content, such as a password that happens to be in quotes.
    ///
    /// By default the source refuses content that is not a key: see
    /// [What is refused](Self#what-is-refused).
    pub const fn allow_any_content(mut self) -> Self {
        self.options.check = KeyCheck::Off;
        self
    }

    /// Sets how often the content is read, whether or not anything seems to have changed.
    ///
    /// Defaults to 10 s. A change that the file system reports is seen within 1.1 s anyway.
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

    /// Accepts a file that everybody may read, without a warning.
    ///
    /// Use this for content that is no secret, such as a configuration. By default the source logs
    /// one warning. Replaces what [`strict`](Self::strict) says about readers.
    pub const fn allow_world_readable(mut self) -> Self {
        self.options.world_readable = WorldReadable::Allow;
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
}

impl Source for FileSource {
    type Value = Secret;

    async fn fetch(&mut self, ask: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        self.follower.fetch(&self.options, ask).await
    }

    async fn changed(&mut self) {
        self.follower.changed(&self.options).await;
    }

    fn refresh_interval(&self) -> RefreshInterval {
        RefreshInterval::new(self.poll.unwrap_or(POLL), MIN_INTERVAL)
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
