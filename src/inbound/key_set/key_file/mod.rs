//! The key file: TOML with digests of keys, read by servers and written by key rings.

mod entry;
mod piece;
mod read;
mod shape;
mod tables;
mod write;

pub(crate) use self::write::Unwritable;
use super::error::KeySetError;
use super::set::{KeySet, KeySetBuilder};
use crate::inbound::entries::{ClientEntry, KeyEntry};
use crate::inbound::key::RoleTable;

/// The version of the format that is read and written.
const VERSION: u32 = 1;

/// The content of a key file.
pub(crate) struct KeyFile {
    pub(crate) serial: u64,
    pub(crate) roles: RoleTable,
    pub(crate) clients: Vec<ClientEntry>,
    pub(crate) keys: Vec<KeyEntry>,
}

impl KeySet {
    /// Reads a key file.
    ///
    /// A `[[role]]` is a named set of scopes. A client has the scopes of its roles besides its own.
    /// A key has the scopes and roles of its client, or a part of them. `networks` and
    /// `certificate` restrict [from where](crate::inbound::KeyRecord::with_networks) and [with
    /// what](crate::inbound::KeyRecord::with_certificate) it is accepted.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_rotating_auth::{inbound::KeySet, keyring::NewKey};
    ///
    /// let digest = NewKey::generate()?.digest().to_text();
    /// let keys = KeySet::from_toml(&format!(r#"
    ///     version = 1
    ///
    ///     [[role]]
    ///     id = "reader"
    ///     scopes = ["models:read"]
    ///
    ///     [[client]]
    ///     id = "open-webui"
    ///     scopes = ["chat:write"]
    ///     roles = ["reader"]
    ///
    ///     [[key]]
    ///     id = "0123456789AB"
    ///     client = "open-webui"
    ///     digest = "{digest}"
    ///     not_after = "2027-02-21T00:00:00Z"
    ///     networks = ["10.0.0.0/8"]
    /// "#))?;
    /// assert_eq!(keys.len(), 1);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Syntax`], [`UnsupportedVersion`], [`InvalidField`] or
    /// [`PlainKey`] if the text is not a key file, and the errors of [`new`](Self::new) if its keys
    /// do not make a set. An unknown field is an error, too: a misspelt `not_after` must not mean
    /// "never expires". The error names the line and the field.
    ///
    /// A time may stand in quotes or be a date of TOML, and needs its offset. The last
    /// representable moment is 9999-12-30T22:00Z; a later one in that year stands for it.
    ///
    /// [`Syntax`]: crate::inbound::KeySetErrorKind::Syntax
    /// [`UnsupportedVersion`]: crate::inbound::KeySetErrorKind::UnsupportedVersion
    /// [`InvalidField`]: crate::inbound::KeySetErrorKind::InvalidField
    /// [`PlainKey`]: crate::inbound::KeySetErrorKind::PlainKey
    pub fn from_toml(text: &str) -> Result<Self, KeySetError> {
        let mut set = KeySetBuilder::default();
        let file = read::each_key(text, |key, client, grants| {
            set.add(*key.digest(), key.record(client, grants, None))
        })?;
        Ok(set.build()?.with_serial(file.serial))
    }
}

/// Returns the serial of a key file, which may have no keys. It is 0 if there is none.
pub(crate) fn serial_of(text: &str) -> u64 {
    let head = tables::Tables::read(text).ok();
    head.and_then(|(head, _)| head.serial).unwrap_or(0)
}
