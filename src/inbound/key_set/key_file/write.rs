//! Writing a key file.

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;

use super::{KeyFile, VERSION, shape};
use crate::inbound::entries::{ClientEntry, ClientState, KeyEntry};
use crate::inbound::key::{KeyId, Provenance, Role, Scopes};

/// The comment at the top of the file.
const HEADER: &str = "\
# Clients and the digests of their keys. A program rewrites this file and drops other comments.
# If you edit it by hand, keep or raise the serial: servers refuse a lower one.

";

/// The error of a key ring whose keys a key file cannot hold.
#[derive(Debug)]
pub(crate) enum Unwritable {
    /// A time of this key is outside the calendar.
    Time(KeyId),
    /// TOML cannot hold a value.
    Toml(toml::ser::Error),
}

impl KeyFile {
    /// Returns the text that [`parse`](Self::parse) reads.
    pub(crate) fn to_text(&self) -> Result<String, Unwritable> {
        let keys: Result<_, _> = self.keys.iter().map(key).collect();
        let file = shape::File {
            version: VERSION,
            serial: Some(self.serial),
            role: self.roles.iter().map(role).collect(),
            client: self.clients.iter().map(client).collect(),
            key: keys?,
        };
        let tables = toml::to_string(&file).map_err(Unwritable::Toml)?;
        Ok(format!("{HEADER}{tables}"))
    }
}

fn role((role, scopes): (&Role, &Scopes)) -> shape::Role {
    shape::Role {
        id: role.to_string(),
        scopes: texts(scopes),
    }
}

fn client(client: &ClientEntry) -> shape::Client {
    shape::Client {
        id: client.id.to_string(),
        scopes: texts(&client.scopes),
        roles: names(&client.roles),
        enabled: (client.state == ClientState::Disabled).then_some(false),
    }
}

fn key(key: &KeyEntry) -> Result<shape::Key, Unwritable> {
    let text = |time: Option<SystemTime>| match time.map(Timestamp::try_from) {
        None => Ok(None),
        Some(Ok(time)) => Ok(Some(shape::Time(time.to_string()))),
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
        roles: key.roles.as_deref().map(names),
        networks: key
            .restrictions
            .networks
            .as_ref()
            .map(|networks| networks.iter().map(|network| network.to_string()).collect()),
        certificate: key
            .restrictions
            .certificate
            .map(|digest| digest.to_string()),
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

fn names(roles: &[Role]) -> Vec<String> {
    roles.iter().map(ToString::to_string).collect()
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(id) => write!(
                f,
                "the key {id} has a time outside the years -9999 to 9999; a key file cannot hold it"
            ),
            Self::Toml(_) => f.write_str("the keys cannot be written as TOML"),
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
