//! A sink that writes keys to a file.

mod delivery;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Mutex;
use zeroize::Zeroizing;

use self::delivery::InUse;
pub(crate) use self::delivery::SinkFile;
use super::sink::Sink;
use crate::blocking;
use crate::fs::remedy;
use crate::inbound::KeyDigest;
use crate::keyring::store::StoreError;
use crate::keyring::token::NewKey;

/// A sink that writes the key to a file, which holds nothing else. A
/// [`FileSource`](crate::source::FileSource) in the client's process follows the file.
///
/// The file is replaced atomically. A new file is readable only by its owner; later writes keep its
/// owner, its mode and, on Linux, its ACL. Its directory must exist.
///
/// # Other users
///
/// The rotator's user should own the directory, and nobody else should be able to write in it. To
/// deliver to another user as root, create a directory of root that the other user may enter, and
/// give the file to that user: later writes keep its owner. If others may write in the directory,
/// the sink logs a warning.
///
/// On Unix, whoever owns the file or its directory can stop the deliveries to that file, and no
/// more. The sink looks up each name in a directory that it holds open. It follows a link that
/// another user may have made only to files and directories of that user, and changes owner and
/// mode only of files that it has created.
///
/// # Locking
///
/// One sink at a time writes to a file. It holds the lock on `<file>.lock`, which belongs to the
/// rotator's user, from its first use until its last clone is dropped or its process ends. Until then another sink returns an error of kind
/// [`SinkErrorKind::InUse`](crate::keyring::SinkErrorKind::InUse), so a second process with the
/// same [`Rotator`](crate::keyring::Rotator) takes over only when the first one ends.
#[derive(Clone, Debug)]
pub struct FileSink {
    path: PathBuf,
    /// Locked while work runs, which goes on even if its caller is gone.
    file: Arc<Mutex<SinkFile>>,
}

impl FileSink {
    /// Creates a sink for the file at this path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            file: Arc::new(Mutex::new(SinkFile::new(path.clone()))),
            path,
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut SinkFile) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut file = Arc::clone(&self.file).lock_owned().await;
        let done = blocking::run(move || work(&mut file)).await;
        let done = done.unwrap_or_else(|reason| Err(io::Error::other(reason)));
        done.map_err(|error| {
            let path = &self.path;
            match error.get_ref() {
                Some(reason) if reason.is::<InUse>() => StoreError::in_use(format!(
                    "{path:?} {what}: another rotator holds its lock; stop one of the two"
                )),
                _ => StoreError::new(format!("{path:?} {what}; {}", remedy(&error)))
                    .with_source(error),
            }
        })
    }
}

impl Sink for FileSink {
    async fn deliver(&mut self, key: &NewKey) -> Result<(), StoreError> {
        let token = Zeroizing::new(key.token().expose_secret().to_vec());
        let deliver = move |file: &mut SinkFile| file.deliver(&token, |_| Ok(()));
        self.blocking("could not be written", deliver).await
    }

    async fn held(&mut self) -> Result<Option<KeyDigest>, StoreError> {
        let held = |file: &mut SinkFile| file.held(|_| Ok(()));
        self.blocking("could not be read", held).await
    }
}
