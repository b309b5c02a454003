//! When keys were last used, in a file beside the key file: who serves requests knows it, who looks after keys asks.

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
use crate::fs::{Access, Lock, Paths, open, open_if_exists, read_bounded, replace};
use crate::inbound::KeySet;
use crate::rotating::Rotating;

/// How often uses are noted: what is lost with a process that is killed is no more than that.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// So soon the first uses are: whoever tries it out sees it.
const SOON: Duration = Duration::from_secs(60);

/// As much as a key file may have.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Notes when keys were last used, to the day, in a file beside their key file: `<key file>.used`.
///
/// A service that lets clients in [follows](Self::follow_until) its key set, whether a [`KeyRing`](crate::keyring::KeyRing) publishes that
/// or a [`FileSource`](crate::source::FileSource) reads it; several services may. The key file itself is left alone: each change
/// of it is a new generation for everybody. Who looks after the keys [reads](Self::read) which of them nobody uses.
///
/// The file is written, under the lock on `<key file>.used.lock`, when the day of a use is another than the one that is there.
/// Without it, nothing is known of the use of keys, and nothing else is lost. A new file is for whom the key file is, as far as
/// the service's user may say so: it may give the file to a group that it is in, and to another owner only as root. Who may
/// read it stays as it is from then on. The service has to be able to write in the folder; who can do that can also put another
/// key file there.
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
/// let terms = IssueRequest::new("batch".parse()?).or_new_client("chat:write".parse()?);
/// let id = ring.issue(terms).await?.id().clone();
///
/// let uses = UseFile::beside(&path);
/// assert!(uses.read().await?.is_none()); // nothing is known
/// uses.note(&ring.keys().current(), SystemTime::now()).await?; // or, in a task of its own, `follow_until`
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
    /// The file beside this key file. It need not be there yet.
    #[must_use]
    pub fn beside(key_file: impl Into<PathBuf>) -> Self {
        Self {
            key_file: key_file.into(),
        }
    }

    /// What was noted; `None` where nobody ever has.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is another.
    pub async fn read(&self) -> Result<Option<Uses>, StoreError> {
        let key_file = self.key_file.clone();
        blocking::run(move || read(&commit::find(&key_file)?.used())).await?
    }

    /// Notes what is known now of the use of these keys.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written, or is another.
    ///
    /// # Cancel safety
    ///
    /// What has begun is done, whether or not somebody waits for it.
    pub async fn note(&self, keys: &KeySet, now: SystemTime) -> Result<(), StoreError> {
        let (key_file, keys) = (self.key_file.clone(), keys.clone());
        blocking::run(move || note(&key_file, &keys, now)).await?
    }

    /// Notes the uses of these keys without end, as [`follow_until`](Self::follow_until) does; it is spawned, and aborted where it
    /// should end. Uses since it noted last are lost then.
    pub async fn follow(self, keys: Rotating<KeySet>) {
        self.follow_until(keys, pending()).await;
    }

    /// Notes the uses of these keys at once, after a minute, every ten minutes from then on, and once more when `end` is ready,
    /// which ends it: a service that has answered its last request makes `end` ready, and waits for this. What cannot be written
    /// is told to `tracing`, and tried again the next time.
    ///
    /// # Cancel safety
    ///
    /// Uses since it noted last are lost.
    pub async fn follow_until(self, keys: Rotating<KeySet>, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        // Held until the next time: the set that takes its place may know nothing of what was used before.
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
                "when keys were last used could not be noted; it is tried again"
            );
        }
    }
}

fn note(key_file: &Path, keys: &KeySet, now: SystemTime) -> Result<(), StoreError> {
    let beside = commit::find(key_file)?;
    let paths = beside.used();
    let not_written = |error: io::Error| {
        let path = &paths.file;
        StoreError::new(format!(
            "{path:?} could not be written; may this user write to it, and is the disk full?"
        ))
        .caused_by(error)
    };
    let Some(_lock) = Lock::wait(&paths).map_err(not_written)? else {
        return Err(not_written(ErrorKind::TimedOut.into()));
    };
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
    let like = open(&paths.file).or_else(|_| open(&beside.file)).ok();
    let access = like.as_ref().map_or(Access::OwnerOnly, Access::AtMost);
    let written = replace(&paths, text.as_bytes(), access, &mut |_| Ok(()));
    written.map_err(not_written)
}

fn read(paths: &Paths) -> Result<Option<Uses>, StoreError> {
    let path = &paths.file;
    let unreadable =
        |error: io::Error| StoreError::new(format!("{path:?} could not be read")).caused_by(error);
    let Some(file) = open_if_exists(path).map_err(unreadable)? else {
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
            "{path:?} does not say when keys were last used; remove it, and they are noted anew"
        ))
    })
}
