//! The key ring on a key file.

use std::path::Path;

use tower_rotating_auth::keyring::{FileStore, KeyRing, KeyRingBuilder};

use crate::error::Error;

/// Opens the key ring on a file, which need not exist.
pub(crate) async fn open(file: &Path, ring: KeyRingBuilder) -> Result<KeyRing, Error> {
    Ok(ring.start(FileStore::new(file)).await?)
}

/// Opens the key ring on an existing file.
pub(crate) async fn open_existing(file: &Path, ring: KeyRingBuilder) -> Result<KeyRing, Error> {
    let is_there = file.try_exists().map_err(|error| {
        Error::failed(format!(
            "cannot tell whether {file:?} exists: {error}; check the permissions of its folder"
        ))
    })?;
    if !is_there {
        return Err(Error::failed(format!(
            "{file:?} does not exist; check the path, or create it with `rotating-auth key issue`"
        )));
    }
    open(file, ring).await
}
