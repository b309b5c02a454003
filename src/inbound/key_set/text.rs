//! A key set as text: a key file, or a list of plain keys.

use std::error::Error;
use std::fmt;

#[cfg(feature = "file")]
use super::key_file::InvalidKeyFile;
use super::list::InvalidKeyList;
use super::set::{InvalidKeySet, KeySet};
use crate::secret::Secret;

/// Why a text is no key set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKeyText {
    /// It reads like a key file, and is none.
    #[cfg(feature = "file")]
    File(InvalidKeyFile),
    /// It does not read like a key file, which has a line `version = 1`, and is no list of plain keys.
    List(InvalidKeyList),
    /// It reads like a key file, and the `file` feature, which reads those, is off.
    #[cfg(not(feature = "file"))]
    NoFileFeature,
}

impl KeySet {
    /// Reads a key file (see [`from_toml`](Self::from_toml)), or, where there is no line `version = …`, a list
    /// of plain keys (see [`from_plain_keys`](Self::from_plain_keys)).
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn parse(text: &Secret) -> Result<Self, InvalidKeyText> {
        let file = std::str::from_utf8(text.expose_secret())
            .ok()
            .filter(|text| text.lines().any(is_version));
        match file {
            Some(file) => Self::parse_file(file),
            None => Self::from_plain_keys(text).map_err(InvalidKeyText::List),
        }
    }

    #[cfg(feature = "file")]
    fn parse_file(file: &str) -> Result<Self, InvalidKeyText> {
        Self::from_toml(file).map_err(InvalidKeyText::File)
    }

    #[cfg(not(feature = "file"))]
    fn parse_file(_: &str) -> Result<Self, InvalidKeyText> {
        Err(InvalidKeyText::NoFileFeature)
    }

    /// The set that a text without a key says, where that is meant. It brings no key back, and so is not
    /// older than `current`, whatever it says; nor is it a way back to what is older.
    pub(crate) fn empty_as_of(text: &Secret, current: Option<&Self>) -> Self {
        let serial = current.map_or(0, Self::serial);
        Self::empty().with_serial(serial.max(serial_of(text)))
    }

    /// Whether this set may replace `current`.
    ///
    /// # Errors
    ///
    /// When its key file has a lower serial than the current one: it could bring a
    /// revoked key back.
    pub const fn not_older_than(&self, current: &Self) -> Result<(), OlderKeySet> {
        if self.serial() < current.serial() {
            return Err(OlderKeySet {
                current: current.serial(),
                offered: self.serial(),
            });
        }
        Ok(())
    }
}

#[cfg(feature = "file")]
fn serial_of(text: &Secret) -> u64 {
    let text = std::str::from_utf8(text.expose_secret());
    text.map_or(0, super::key_file::serial_of)
}

#[cfg(not(feature = "file"))]
const fn serial_of(_: &Secret) -> u64 {
    0
}

fn is_version(line: &str) -> bool {
    let rest = line.trim_start().strip_prefix("version");
    rest.is_some_and(|rest| rest.trim_start().starts_with('='))
}

impl InvalidKeyText {
    /// Whether all that is wrong is that there is no key.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match self {
            #[cfg(feature = "file")]
            Self::File(InvalidKeyFile::Set(InvalidKeySet::Empty)) => true,
            Self::List(InvalidKeyList::Set(InvalidKeySet::Empty)) => true,
            _ => false,
        }
    }
}

impl fmt::Display for InvalidKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "file")]
            Self::File(_) => "not a key file that can be used",
            Self::List(_) => "neither a key file (no line `version = 1`) nor a list of plain keys",
            #[cfg(not(feature = "file"))]
            Self::NoFileFeature => "a key file is read with the feature `file`, which is off",
        })
    }
}

impl Error for InvalidKeyText {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            #[cfg(feature = "file")]
            Self::File(invalid) => Some(invalid),
            Self::List(invalid) => Some(invalid),
            #[cfg(not(feature = "file"))]
            Self::NoFileFeature => None,
        }
    }
}

/// A key file with a lower serial than the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OlderKeySet {
    current: u64,
    offered: u64,
}

impl fmt::Display for OlderKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { current, offered } = self;
        write!(
            f,
            "the key file has serial {offered}, lower than the current serial {current}"
        )
    }
}

impl Error for OlderKeySet {}
