//! Keys in a file, as a sidecar would write it.

mod delivery;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Mutex;
use zeroize::Zeroizing;

use self::delivery::InUse;
pub(crate) use self::delivery::SinkFile;
use super::sink::{Sink, SinkError};
use crate::blocking;
use crate::inbound::KeyDigest;
use crate::keyring::token::NewKey;

/// Delivers a key as the content of a file, and nothing else, replaced whole: a [`FileSource`](crate::source::FileSource) on the
/// other side takes it over while it runs.
///
/// A new file is its owner's alone; whose it is and who may read it stays as it is from then on, by its mode and, on Linux, by
/// its access control list. Its folder must be there.
///
/// What links lead to is written, not the link. So nobody may write in the folder, or in one above it, who may not write what the
/// rotator's user may: a link of theirs would put a key in the place of any file of that user. To deliver to another user as
/// root, make a folder of root's that the other may enter, and give the file to the other.
///
/// One sink at a time delivers to a file: it holds the lock on `<file>.lock` from its first use until its last clone is
/// dropped, or its process ends. Another one, here or in another process, fails until then, so that a
/// [`Rotator`](crate::keyring::Rotator) that runs in two processes does nothing in one of them until the other has ended.
#[derive(Clone, Debug)]
pub struct FileSink {
    path: PathBuf,
    /// One at a time: work whose caller is gone goes on.
    file: Arc<Mutex<SinkFile>>,
}

impl FileSink {
    /// The file at this path.
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
    ) -> Result<T, SinkError> {
        let mut file = Arc::clone(&self.file).lock_owned().await;
        let done = blocking::run(move || work(&mut file)).await;
        let done = done.unwrap_or_else(|reason| Err(io::Error::other(reason)));
        done.map_err(|error| {
            let path = &self.path;
            match error.get_ref() {
                Some(reason) if reason.is::<InUse>() => SinkError::in_use(format!(
                    "{path:?} {what}: another rotator holds its lock; stop one of the two"
                )),
                _ => SinkError::new(format!(
                    "{path:?} {what}; does its directory exist, and who owns it?"
                ))
                .with_source(error),
            }
        })
    }
}

impl Sink for FileSink {
    async fn deliver(&mut self, key: &NewKey) -> Result<(), SinkError> {
        let token = Zeroizing::new(key.token().expose_secret().to_vec());
        let deliver = move |file: &mut SinkFile| file.deliver(&token, |_| Ok(()));
        self.blocking("could not be written", deliver).await
    }

    async fn held(&mut self) -> Result<Option<KeyDigest>, SinkError> {
        let held = |file: &mut SinkFile| file.held(|_| Ok(()));
        self.blocking("could not be read", held).await
    }
}
