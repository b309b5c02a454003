//! The key ring on a key file.

use std::path::Path;

use tower_rotating_auth::keyring::{FileStore, KeyRing, KeyRingBuilder};

use crate::error::Error;

/// The ring on this file, which need not be there.
pub(super) async fn open(file: &Path, ring: KeyRingBuilder) -> Result<KeyRing, Error> {
    Ok(ring.start(FileStore::new(file)).await?)
}

/// The ring on a file that is there.
pub(super) async fn open_existing(file: &Path, ring: KeyRingBuilder) -> Result<KeyRing, Error> {
    let is_there = file.try_exists().map_err(|error| {
        Error::failed(format!(
            "whether {file:?} exists cannot be told: {error}; may this user enter its folder?"
        ))
    })?;
    if !is_there {
        return Err(Error::failed(format!(
            "{file:?} does not exist; is the path right? `rotating-auth key issue` makes a new one"
        )));
    }
    open(file, ring).await
}
