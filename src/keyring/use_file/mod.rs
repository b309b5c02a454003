//! When keys were last used, in a file beside the key file. Services write it, and operators read
//! it.

#[cfg(all(unix, not(portable_only)))]
#[cfg(test)]
mod tests;
mod uses;

use std::future::pending;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::{Duration, SystemTime};

use tokio::time::timeout;

pub use self::uses::Uses;
use super::file_store::commit;
use super::store::StoreError;
use crate::blocking;
use crate::fs::{Access, Lock, LockHolders, Paths, Step, read_bounded, remedy, replace};
use crate::inbound::KeySet;
use crate::rotating::Rotating;

/// How often uses are written. A process that is killed loses no more than this.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// When uses are written for the second time, so that somebody who tries it out sees it.
const SOON: Duration = Duration::from_secs(60);

/// The size limit of a key file.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A file that records when keys were last used, to the day: `<key file>.used`.
///
/// A service that accepts keys [follows](Self::follow_until) its key set, no matter whether a
/// [`KeyRing`](crate::keyring::KeyRing) publishes it or a [`FileSource`](crate::source::FileSource)
/// reads it. Several services may write to one file. An operator [reads](Self::read) it to find
/// keys that nobody uses. The key file itself is not changed.
///
/// The file is written only when the day of a use changes, under the lock on
/// `<key file>.used.lock`. If it is lost, only the dates of use are lost.
///
/// # Permissions
///
/// A new file is accessible to those who may access the key file, as far as the service's user may
/// grant it: to a group that the user is in, and to another owner only as root. Later writes keep
/// the access of the file. The service must be able to write in the directory; a user who can do
/// that can also replace the key file.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_rotating_auth::keyring::{FileStore, KeyRing, IssueRequest, UseFile};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("keys.toml");
/// let ring = KeyRing::start(FileStore::new(&path)).await?;
/// let request = IssueRequest::new("batch".parse()?).or_new_client("chat:write".parse()?);
/// let id = ring.issue(request).await?.id().clone();
///
/// let uses = UseFile::beside(&path);
/// assert!(uses.read().await?.is_none()); // no use was recorded
/// // A service spawns `follow_until` instead.
/// uses.note(&ring.keys().current(), SystemTime::now()).await?;
/// let uses = uses.read().await?.unwrap();
/// assert_eq!(uses.last_used(&id), None); // nobody has used it
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct UseFile {
    key_file: PathBuf,
}

impl UseFile {
    /// Creates the value for this key file. Neither file need exist yet.
    #[must_use]
    pub fn beside(key_file: impl Into<PathBuf>) -> Self {
        Self {
            key_file: key_file.into(),
        }
    }

    /// Reads the file. Returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] if the file cannot be read, or has another format.
    pub async fn read(&self) -> Result<Option<Uses>, StoreError> {
        let key_file = self.key_file.clone();
        blocking::run(move || read(&commit::find(&key_file)?.used())).await?
    }

    /// Records when these keys were last used.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] if the file cannot be read or written, or has another format.
    ///
    /// # Cancel safety
    ///
    /// A write that has begun is completed, even if the future is dropped.
    pub async fn note(&self, keys: &KeySet, now: SystemTime) -> Result<(), StoreError> {
        let (key_file, keys) = (self.key_file.clone(), keys.clone());
        blocking::run(move || note(&key_file, &keys, now, |_| Ok(()))).await?
    }

    /// Records the uses of these keys without end, as [`follow_until`](Self::follow_until) does.
    /// Spawn it, and abort it to stop.
    ///
    /// # Cancel safety
    ///
    /// Uses since the last write are lost.
    pub async fn follow(self, keys: Rotating<KeySet>) {
        self.follow_until(keys, pending()).await;
    }

    /// Records the uses of these keys until `end` resolves.
    ///
    /// It writes at once, after a minute, and every ten minutes from then on. When `end` resolves,
    /// it writes once more and returns: a service resolves `end` after its last request, and then
    /// waits for this future. A failed write is logged, and tried again the next time.
    ///
    /// # Cancel safety
    ///
    /// Uses since the last write are lost.
    pub async fn follow_until(self, keys: Rotating<KeySet>, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        // Kept until the next write: the set that replaces it may know nothing of earlier uses.
        let mut seen = keys.current();
        self.try_note(&seen, keys.wall()).await;
        let mut pause = SOON;
        loop {
            let is_over = timeout(pause, &mut end).await.is_ok();
            if keys.current().generation() != seen.generation() {
                self.try_note(&seen, keys.wall()).await;
                seen = keys.current();
            }
            self.try_note(&seen, keys.wall()).await;
            if is_over {
                return;
            }
            pause = EVERY;
        }
    }

    async fn try_note(&self, keys: &KeySet, now: SystemTime) {
        if let Err(error) = self.note(keys, now).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot record when keys were last used; trying again later"
            );
        }
    }
}

fn note(
    key_file: &Path,
    keys: &KeySet,
    now: SystemTime,
    mut before: impl FnMut(Step) -> io::Result<()>,
) -> Result<(), StoreError> {
    let beside = commit::find(key_file)?;
    let paths = beside.used();
    let not_written = |error: io::Error| {
        let path = &paths.file;
        StoreError::new(format!("{path:?} could not be written; {}", remedy(&error)))
            .with_source(error)
    };
    let lock =
        before(Step::Lock).and_then(|()| Lock::wait(&paths, LockHolders::WritersOfDirectory));
    let Some(_lock) = lock.map_err(not_written)? else {
        return Err(not_written(ErrorKind::TimedOut.into()));
    };
    before(Step::Read).map_err(not_written)?;
    let noted = read(&paths)?;
    let Some(begun) = noted.clone().or_else(|| Uses::none_before(now)) else {
        return Ok(());
    };
    let next = begun.with(keys, now);
    if noted.as_ref() == Some(&next) {
        return Ok(());
    }
    let text = next.to_text().map_err(io::Error::other);
    let text = text.map_err(not_written)?;
    let open = |paths: &Paths| paths.open_if_exists().ok().flatten();
    let like = open(&paths).or_else(|| open(&beside));
    let access = like.as_ref().map_or(Access::OwnerOnly, Access::AtMost);
    let written = replace(&paths, text.as_bytes(), access, &mut before);
    written.map_err(not_written)
}

fn read(paths: &Paths) -> Result<Option<Uses>, StoreError> {
    let path = &paths.file;
    let unreadable = |error: io::Error| {
        StoreError::new(format!("{path:?} could not be read")).with_source(error)
    };
    let Some(file) = paths.open_if_exists().map_err(unreadable)? else {
        return Ok(None);
    };
    let length = file.metadata().map_err(unreadable)?.len();
    let bytes = read_bounded(&file, length, MAX_BYTES).map_err(unreadable)?;
    let text = bytes
        .as_ref()
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    let uses = text.and_then(Uses::parse);
    uses.map(Some).ok_or_else(|| {
        StoreError::new(format!(
            "{path:?} is not a record of key uses; remove it to start a new one"
        ))
    })
}
