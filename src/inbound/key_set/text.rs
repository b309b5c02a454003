//! A key set as text: a key file, or a list of plain keys.

use super::error::{KeySetError, KeySetErrorKind};
use super::set::KeySet;
use crate::secret::Secret;

impl KeySet {
    /// Reads a key file, or a list of plain keys if there is no line `version = …`.
    ///
    /// See [`from_toml`](Self::from_toml) and [`from_plain_keys`](Self::from_plain_keys).
    ///
    /// # Errors
    ///
    /// Returns the error of the one that the text was read as, and an error of kind
    /// [`FeatureDisabled`](KeySetErrorKind::FeatureDisabled) for a key file if the crate was built
    /// without the feature that reads those.
    pub fn parse(text: &Secret) -> Result<Self, KeySetError> {
        let file = std::str::from_utf8(text.expose_secret())
            .ok()
            .filter(|text| text.lines().any(is_version));
        match file {
            Some(file) => Self::parse_file(file),
            // The usual mistake is a key file that has lost its first line.
            None => Self::from_plain_keys(text)
                .map_err(|error| error.within("read as plain keys, without a line `version = 1`")),
        }
    }

    #[cfg(feature = "key-file")]
    fn parse_file(file: &str) -> Result<Self, KeySetError> {
        Self::from_toml(file)
    }

    #[cfg(not(feature = "key-file"))]
    fn parse_file(_: &str) -> Result<Self, KeySetError> {
        Err(KeySetError::new(
            KeySetErrorKind::FeatureDisabled,
            "a key file cannot be read without the feature `key-file`; enable it",
        ))
    }

    /// Returns the set that a text without a key stands for, where that is meant.
    ///
    /// It brings no key back, and so is not older than `current`, whatever the text says; nor does
    /// it let an older set come after it.
    pub(crate) fn empty_as_of(text: &Secret, current: Option<&Self>) -> Self {
        let serial = current.map_or(0, Self::serial);
        Self::empty().with_serial(serial.max(serial_of(text)))
    }

    /// Checks that this set is not older than the last one that was written.
    pub(super) fn not_older_than_noted(&self, noted: Option<u64>) -> Result<(), KeySetError> {
        let offered = self.serial();
        match noted.filter(|noted| offered < *noted) {
            None => Ok(()),
            Some(noted) => Err(KeySetError::new(
                KeySetErrorKind::Outdated,
                format!(
                    "the key file is of serial {offered}, but {noted} was written: an older copy \
                     would bring revoked keys back; if this is intended, set its serial to {}",
                    noted.saturating_add(1)
                ),
            )),
        }
    }

    /// Checks that this set may replace `current`.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Outdated`](KeySetErrorKind::Outdated) if the key file carries a
    /// lower serial than the one in force: it could bring a revoked key back.
    pub fn not_older_than(&self, current: &Self) -> Result<(), KeySetError> {
        let (offered, current) = (self.serial(), current.serial());
        if offered < current {
            return Err(KeySetError::new(
                KeySetErrorKind::Outdated,
                format!(
                    "the key file is of serial {offered}, older than {current}, which is in \
                     force; raise its serial to use it all the same"
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(feature = "key-file")]
fn serial_of(text: &Secret) -> u64 {
    let text = std::str::from_utf8(text.expose_secret());
    text.map_or(0, super::key_file::serial_of)
}

#[cfg(not(feature = "key-file"))]
const fn serial_of(_: &Secret) -> u64 {
    0
}

fn is_version(line: &str) -> bool {
    let rest = line.trim_start().strip_prefix("version");
    rest.is_some_and(|rest| rest.trim_start().starts_with('='))
}
