//! A source whose last good key survives a restart.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::{Duration, SystemTime};

use futures_util::future::{Either, select};
use sha2::{Digest as _, Sha256};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use crate::blocking;
use crate::clock::sleep_until_deadline;
use crate::fs::{
    self, Access, Custody, Distrust, Exposure, FileError, Paths, SecretBytes, SecretFile,
};
use crate::secret::Secret;
use crate::source::error::SourceError;
use crate::source::expiry::Expiry;
use crate::source::fetch::{Fetch, FetchReason, Fetched};
use crate::source::refresh_interval::RefreshInterval;
use crate::source::source_trait::{Source, fetch_within};

/// The longest content of a cache, in bytes.
const LONGEST: usize = 1024 * 1024;
/// How soon the source is asked again after a start from the cache.
const RETRY: Duration = Duration::from_secs(1);
/// How long the source may take at the start, if there is a key to start from.
const START: Duration = Duration::from_secs(10);
/// How long a write may hold up the key.
const WRITE: Duration = Duration::from_secs(2);
const VERSION: &str = "tower-rotating-auth cache 1";

/// A source whose last good key is kept in a file, created by
/// [`SecretSource::cached_on_disk`](crate::source::SecretSource::cached_on_disk).
///
/// If the source fails at the start, or does not answer within 10 s, the key in the file is used,
/// unless it has expired. So a service can restart while a key server is down. Afterwards the
/// source is asked again a second later, and then as after any failure.
///
/// The file holds the key in plain text, and only its owner may read it (mode 0600). It is replaced
/// atomically, and has a checksum, so that a torn one counts as none. A file that belongs to
/// neither root nor the user of this process, or that others may write, is not read, and logged as
/// a warning. Each process needs a file of its own. Its directory must exist. Check keys before
/// they are kept: put
/// [`matching`](crate::source::SecretSource::matching) before this adapter. A file that cannot be written is logged as a warning, and the
/// key is used all the same.
#[derive(Debug)]
pub struct CachedOnDisk<S> {
    source: S,
    path: PathBuf,
    /// What was written last.
    written: Option<Zeroizing<Vec<u8>>>,
    /// A write that took too long. A disk that hangs costs one thread, not one for each fetch.
    writing: Option<JoinHandle<io::Result<()>>>,
    /// When to ask the source again after a start from the cache.
    retry_at: Option<Instant>,
}

impl<S> CachedOnDisk<S> {
    pub(crate) const fn new(source: S, path: PathBuf) -> Self {
        Self {
            source,
            path,
            written: None,
            writing: None,
            retry_at: None,
        }
    }

    /// Returns the key in the file, if it is usable.
    async fn cached(path: PathBuf) -> Option<Fetched<Secret>> {
        let read = move || {
            let content = read(&path);
            match &content {
                Ok(_) => {}
                Err(FileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(?path, %error, "the last good key was not read"),
            }
            content
        };
        let content = blocking::run(read).await.ok()?.ok()?;
        parse(&content, SystemTime::now())
    }

    /// Writes the key to the file, unless it is there already.
    async fn keep(&mut self, key: &Secret, expires_at: Option<Expiry>) {
        let content = format(
            key,
            expires_at.and_then(|expiry| at(expiry, SystemTime::now())),
        );
        let is_stuck = self
            .writing
            .as_ref()
            .is_some_and(|writing| !writing.is_finished());
        if is_stuck || self.written.as_ref() == Some(&content) {
            return;
        }
        let (path, copy) = (self.path.clone(), content.clone());
        let write = move || -> io::Result<()> {
            let paths = Paths::resolve(&path)?;
            fs::replace(&paths, &copy, Access::OwnerOnly, &mut |_| Ok(()))
        };
        // Kept while it runs: a caller that stops waiting must not start another one beside it.
        let writing = self.writing.insert(spawn_blocking(write));
        let written = match timeout(WRITE, writing).await {
            Ok(Ok(written)) => written,
            Ok(Err(stopped)) => Err(io::Error::other(stopped)),
            Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
        };
        match written {
            Ok(()) => self.written = Some(content),
            Err(error) => {
                tracing::warn!(path = ?self.path, %error, "the last good key was not kept");
            }
        }
    }
}

/// Reads a cache that only this process's user or root can have written.
fn read(path: &Path) -> Result<SecretBytes, FileError> {
    let file = SecretFile::check(fs::open(path)?)?;
    if let Exposure::Readable { mode } = file.exposure() {
        let mode = format!("{mode:04o}");
        tracing::warn!(?path, mode, "everybody may read the last good key");
    }
    match Custody::default().check(path, file.file())? {
        Some(owner @ Distrust::Owner { .. }) => return Err(FileError::Distrusted(owner)),
        // A file that others put in its place would belong to them.
        Some(Distrust::Directory { .. }) | None => {}
    }
    file.read(LONGEST)
}

/// Returns the time of an expiry. One that was given as a lifetime is rounded to whole seconds.
fn at(expiry: Expiry, now: SystemTime) -> Option<SystemTime> {
    match expiry {
        Expiry::In(lifetime) => now.checked_add(lifetime),
        Expiry::At(at) => Some(at),
    }
}

/// The content of a cache: a line with the version, the expiry and a checksum, and the key.
fn format(key: &Secret, expires_at: Option<SystemTime>) -> Zeroizing<Vec<u8>> {
    let since_epoch = expires_at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    let expiry = since_epoch.map_or_else(|| "never".to_owned(), |at| at.as_secs().to_string());
    let digest = checksum(&expiry, key.expose_secret());
    let head = format!("{VERSION} {expiry} {digest}\n");
    Zeroizing::new([head.as_bytes(), key.expose_secret()].concat())
}

fn checksum(expiry: &str, key: &[u8]) -> String {
    let digest = Sha256::new().chain_update(expiry).chain_update(b"\n");
    format!("{:x}", digest.chain_update(key).finalize())
}

fn parse(content: &[u8], now: SystemTime) -> Option<Fetched<Secret>> {
    let end = content.iter().position(|byte| *byte == b'\n')?;
    let (head, key) = (
        std::str::from_utf8(&content[..end]).ok()?,
        &content[end + 1..],
    );
    let (expiry, digest) = head.strip_prefix(VERSION)?.trim_start().split_once(' ')?;
    if digest != checksum(expiry, key) {
        return None;
    }
    let fetched = Fetched::new(Secret::from(key));
    if expiry == "never" {
        return Some(fetched);
    }
    let seconds = Duration::from_secs(expiry.parse().ok()?);
    let at = SystemTime::UNIX_EPOCH.checked_add(seconds)?;
    (at > now).then(|| fetched.expires(Expiry::At(at)))
}

impl<S: Source<Value = Secret>> Source for CachedOnDisk<S> {
    type Value = Secret;

    async fn fetch(&mut self, request: Fetch<'_, Secret>) -> Result<Fetched<Secret>, SourceError> {
        self.retry_at = None;
        let is_start = request.reason == FetchReason::Start;
        let current = request.current;
        let fetched = match is_start {
            true => fetch_within(START, &mut self.source, request).await,
            false => self.source.fetch(request).await,
        };
        match fetched {
            Ok(fetched) => {
                match (&fetched, current) {
                    (
                        Fetched::Value {
                            value, expires_at, ..
                        },
                        _,
                    ) => self.keep(value, *expires_at).await,
                    (
                        Fetched::Unchanged {
                            expires_at: Some(renewed),
                        },
                        Some(value),
                    ) => self.keep(value, Some(*renewed)).await,
                    (Fetched::Unchanged { .. }, _) => {}
                }
                Ok(fetched)
            }
            Err(error) if is_start => {
                let cached = Self::cached(self.path.clone()).await.ok_or(error)?;
                self.retry_at = Some(Instant::now() + RETRY);
                Ok(cached)
            }
            Err(error) => Err(error),
        }
    }

    async fn changed(&mut self) {
        let (hint, retry) = (self.source.changed(), sleep_until_deadline(self.retry_at));
        match select(pin!(hint), pin!(retry)).await {
            Either::Left(((), _)) => {}
            Either::Right(((), _)) => self.retry_at = None,
        }
    }

    fn refresh_interval(&self) -> RefreshInterval {
        self.source.refresh_interval()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000_000);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + NOW
    }

    fn parsed(content: &[u8]) -> Option<(Vec<u8>, Option<Expiry>)> {
        match parse(content, now())? {
            Fetched::Value {
                value, expires_at, ..
            } => Some((value.expose_secret().to_vec(), expires_at)),
            Fetched::Unchanged { .. } => panic!("there is a value"),
        }
    }

    #[test]
    fn cache_keeps_key_and_expiry() {
        let key = Secret::from("sk-1\nsecond line\n");
        for expires_at in [None, Some(now() + Duration::from_secs(60))] {
            let content = format(&key, expires_at);
            let expected = (key.expose_secret().to_vec(), expires_at.map(Expiry::At));
            assert_eq!(parsed(&content), Some(expected));
        }
    }

    #[test]
    fn expired_or_torn_cache_is_none() {
        assert_eq!(parsed(&format(&Secret::from("sk-1"), Some(now()))), None);
        let whole = format(&Secret::from("sk-1"), None);
        for length in 0..whole.len() {
            assert_eq!(parsed(&whole[..length]), None, "{length}");
        }
        let mut other = whole.clone();
        for position in 0..other.len() {
            other[position] ^= 1;
            assert_eq!(parsed(&other), None, "{position}");
            other[position] ^= 1;
        }
    }
}
