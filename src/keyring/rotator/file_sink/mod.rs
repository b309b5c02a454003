//! Keys in a file, as a sidecar would write it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::sink::{Sink, SinkError};
use crate::inbound::KeyDigest;
use crate::keyring::file_store::{Place, replace};
use crate::keyring::token::NewKey;
use crate::secret_file::{self, Exposure};

/// No key is longer.
const MAX_BYTES: usize = 64 * 1024;

/// Delivers a key as the content of a file, and nothing else, replaced whole: a [`FileSource`](crate::FileSource) on the
/// other side takes it over while it runs.
///
/// A new file is its owner's alone; whose it is and who may read it stays as it is from then on. Its folder must be there.
/// One process at a time may deliver to it.
#[derive(Clone, Debug)]
pub struct FileSink {
    path: PathBuf,
    /// One at a time: work whose caller is gone goes on.
    turn: Arc<Mutex<()>>,
}

impl FileSink {
    /// The file at this path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            turn: Arc::default(),
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, SinkError> {
        let path = self.path.clone();
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let in_turn = move || {
            let _turn = turn;
            work(&path)
        };
        let done = match spawn_blocking(in_turn).await {
            Ok(done) => done,
            Err(error) => Err(io::Error::other(error)),
        };
        done.map_err(|error| {
            let path = &self.path;
            SinkError::new(format!(
                "{path:?} {what}; is its folder there, and whose is it?"
            ))
            .caused_by(error)
        })
    }
}

impl Sink for FileSink {
    async fn deliver(&mut self, key: &NewKey) -> Result<(), SinkError> {
        let token = Zeroizing::new(key.token().expose_secret().to_vec());
        self.blocking("could not be written", move |path| {
            let place = Place::find(path)?;
            let old = match std::fs::metadata(&place.file) {
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                found => Some(found?),
            };
            replace(&place, &token, old.as_ref(), &mut |_| Ok(()))
        })
        .await
    }

    async fn held(&mut self) -> Result<Option<KeyDigest>, SinkError> {
        self.blocking("could not be read", |path| {
            let file = match secret_file::open(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    // A folder that is gone, as of a volume that is not mounted, says nothing of the file.
                    return Place::find(path).map(|_| None);
                }
                opened => opened?,
            };
            let metadata = file.metadata()?;
            if let Exposure::Writable { .. } = secret_file::exposure(&metadata) {
                return Err(io::Error::other("others than its owner may write it"));
            }
            let read = secret_file::read(&file, metadata.len(), MAX_BYTES)?;
            let read = read.ok_or_else(|| io::Error::other("it is too long for a key"))?;
            Ok(Some(KeyDigest::of(read.trim_ascii())))
        })
        .await
    }
}
