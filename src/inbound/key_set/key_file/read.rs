//! Reading a key file.

use std::collections::HashMap;

use super::entry::Entry;
use super::tables::Tables;
use super::{FileClient, FileKey, KeyFile, VERSION, shape};
use crate::inbound::key::KeyDigest;
use crate::inbound::key::Provenance;
use crate::inbound::key::{ClientId, KeyId};
use crate::inbound::key_set::error::{KeySetError, KeySetErrorKind};

impl KeyFile {
    pub(crate) fn parse(text: &str) -> Result<Self, KeySetError> {
        let mut keys = Vec::new();
        let (serial, clients) = each_key(text, |key, _| {
            keys.push(key);
            Ok(())
        })?;
        Ok(Self {
            serial,
            clients: clients.in_order,
            keys,
        })
    }
}

/// The clients of a file.
#[derive(Default)]
pub(crate) struct Clients {
    in_order: Vec<FileClient>,
    positions: HashMap<ClientId, usize>,
}

impl Clients {
    fn get(&self, id: &ClientId) -> Option<&FileClient> {
        self.in_order.get(*self.positions.get(id)?)
    }
}

/// Reads a key file, and calls `each` for each key with its client. Returns the serial and all
/// clients.
pub(crate) fn each_key(
    text: &str,
    mut each: impl FnMut(FileKey, &FileClient) -> Result<(), KeySetError>,
) -> Result<(u64, Clients), KeySetError> {
    let (head, mut tables) = Tables::read(text)?;
    if head.version != VERSION {
        return Err(KeySetError::new(
            KeySetErrorKind::UnsupportedVersion,
            format!("the key file is of version {}, not {VERSION}", head.version),
        ));
    }
    let serial = head.serial.unwrap_or(0);
    if serial == u64::MAX {
        return Err(KeySetError {
            field: Some("serial"),
            ..KeySetError::new(
                KeySetErrorKind::InvalidField,
                "the key file: serial should be less than the greatest number of 64 bits, \
                 or no change could raise it",
            )
        });
    }
    let mut clients = Clients::default();
    tables.clients(|number, text, read| {
        let entry = Entry {
            table: "client",
            number,
            text,
        };
        let client = client(&entry, &read)?;
        let next = clients.in_order.len();
        if clients.positions.insert(client.id.clone(), next).is_some() {
            return Err(entry.invalid("id", "a name that no other client has"));
        }
        clients.in_order.push(client);
        Ok(())
    })?;
    tables.keys(|number, text, read| {
        let entry = Entry {
            table: "key",
            number,
            text,
        };
        let (key, client) = key(&entry, &read, &clients)?;
        each(key, client)
    })?;
    Ok((serial, clients))
}

fn client(entry: &Entry<'_>, read: &shape::Client) -> Result<FileClient, KeySetError> {
    Ok(FileClient {
        id: entry.parse("id", &read.id)?,
        scopes: entry.scopes(&read.scopes)?,
        enabled: read.enabled.unwrap_or(true),
    })
}

fn key<'c>(
    entry: &Entry<'_>,
    read: &shape::Key,
    clients: &'c Clients,
) -> Result<(FileKey, &'c FileClient), KeySetError> {
    let digest = digest(entry, read)?;
    let id = entry.parse("id", &read.id)?;
    let client: ClientId = entry.parse("client", &read.client)?;
    let Some(client) = clients.get(&client) else {
        return Err(entry.invalid("client", "the id of a [[client]] in this file"));
    };
    let held = &client.scopes;
    let scopes = match &read.scopes {
        Some(scopes) => Some(entry.scopes(scopes)?),
        None => None,
    };
    if !held.contains_all(scopes.as_ref().unwrap_or(held)) {
        return Err(entry.invalid("scopes", "among those of its client"));
    }
    let replaces = match &read.replaces {
        Some(replaced) => Some(entry.parse::<KeyId>("replaces", replaced)?),
        None => None,
    };
    let idempotency_key = match &read.idempotency_key {
        Some(key) => Some(entry.parse("idempotency_key", key)?),
        None => None,
    };
    let key = FileKey {
        id,
        // All keys of a client share one allocation of its id.
        client: client.id.clone(),
        digest,
        scopes,
        created_at: entry.time("created_at", read.created_at.as_ref())?,
        not_before: entry.time("not_before", read.not_before.as_ref())?,
        not_after: entry.time("not_after", read.not_after.as_ref())?,
        retires_at: entry.time("retires_at", read.retires_at.as_ref())?,
        revoked_at: entry.time("revoked_at", read.revoked_at.as_ref())?,
        replaces,
        provenance: match read.provenance.as_deref() {
            None => Provenance::Issued,
            Some("imported") => Provenance::Imported,
            Some("unchecked") => Provenance::Unchecked,
            Some(_) => {
                return Err(entry.invalid("provenance", "\"imported\" or \"unchecked\""));
            }
        },
        idempotency_key,
    };
    Ok((key, client))
}

/// Returns the digest, unless a key itself stands beside it or in the place of a name.
fn digest(entry: &Entry<'_>, read: &shape::Key) -> Result<KeyDigest, KeySetError> {
    if read.token.is_some() || read.secret.is_some() || read.key.is_some() {
        return Err(entry.plain_key());
    }
    let Some(digest) = &read.digest else {
        return Err(entry.invalid("digest", "present: \"sha256:\" and 64 hexadecimal digits"));
    };
    let digest = entry.parse("digest", digest)?;
    let names = [
        Some(&read.id),
        Some(&read.client),
        read.replaces.as_ref(),
        read.idempotency_key.as_ref(),
    ];
    if names
        .into_iter()
        .flatten()
        .any(|name| KeyDigest::of(name.as_bytes()) == digest)
    {
        return Err(entry.plain_key());
    }
    Ok(digest)
}
