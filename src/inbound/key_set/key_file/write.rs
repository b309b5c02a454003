//! Writes a key file.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;

use super::{FileClient, FileKey, KeyFile, VERSION, shape};
use crate::inbound::key::KeyId;
use crate::inbound::key::Provenance;
use crate::inbound::key::Scopes;

/// What people read who open the file.
const HEADER: &str = "\
# The keys of clients: their digests, not the keys. A program writes this file, and keeps no comments.
# Whoever changes it by hand leaves the serial as it is, or raises it: a lower one is refused.

";

/// What no key file can say.
#[derive(Debug)]
pub(crate) enum Unwritable {
    /// A time of this key that is in no calendar.
    Time(KeyId),
    /// What TOML does not have.
    Toml(toml::ser::Error),
}

impl KeyFile {
    /// The text that [`parse`](Self::parse) reads.
    pub(crate) fn to_text(&self) -> Result<String, Unwritable> {
        let keys: Result<_, _> = self.keys.iter().map(key).collect();
        let file = shape::File {
            version: VERSION,
            serial: Some(self.serial),
            client: self.clients.iter().map(client).collect(),
            key: keys?,
        };
        let tables = toml::to_string(&file).map_err(Unwritable::Toml)?;
        Ok(format!("{HEADER}{tables}"))
    }
}

fn client(client: &FileClient) -> shape::Client {
    shape::Client {
        id: client.id.to_string(),
        scopes: texts(&client.scopes),
        enabled: (!client.enabled).then_some(false),
    }
}

fn key(key: &FileKey) -> Result<shape::Key, Unwritable> {
    let text = |time: Option<SystemTime>| match time.map(Timestamp::try_from) {
        None => Ok(None),
        Some(Ok(time)) => Ok(Some(time.to_string())),
        Some(Err(_)) => Err(Unwritable::Time(key.id.clone())),
    };
    Ok(shape::Key {
        id: key.id.to_string(),
        client: key.client.to_string(),
        digest: Some(key.digest.to_text()),
        created_at: text(key.created_at)?,
        not_before: text(key.not_before)?,
        not_after: text(key.not_after)?,
        retires_at: text(key.retires_at)?,
        revoked_at: text(key.revoked_at)?,
        replaces: key.replaces.as_ref().map(ToString::to_string),
        scopes: key.scopes.as_ref().map(texts),
        provenance: match key.provenance {
            Provenance::Issued => None,
            Provenance::Imported => Some("imported".into()),
            Provenance::Unchecked => Some("unchecked".into()),
        },
        idempotency_key: key.idempotency_key.as_ref().map(ToString::to_string),
        ..shape::Key::default()
    })
}

fn texts(scopes: &Scopes) -> Vec<String> {
    scopes.iter().map(ToString::to_string).collect()
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(id) => write!(f, "the key {id} has a time that a key file cannot hold"),
            Self::Toml(_) => f.write_str("the keys are no TOML"),
        }
    }
}

impl Error for Unwritable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Time(_) => None,
            Self::Toml(error) => Some(error),
        }
    }
}
