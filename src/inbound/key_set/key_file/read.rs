//! Reading a key file.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;

use super::entry::Entry;
use super::{FileClient, FileKey, KeyFile, VERSION, shape};
use crate::inbound::key::KeyDigest;
use crate::inbound::key::Provenance;
use crate::inbound::key::Scopes;
use crate::inbound::key::{ClientId, KeyId};
use crate::inbound::key_set::error::{KeySetError, KeySetErrorKind};

impl KeyFile {
    pub(crate) fn parse(text: &str) -> Result<Self, KeySetError> {
        let file = shape::File::parse(text)?;
        if file.version != VERSION {
            return Err(KeySetError::new(
                KeySetErrorKind::UnsupportedVersion,
                format!("the key file is of version {}, not {VERSION}", file.version),
            ));
        }
        let serial = file.serial.unwrap_or(0);
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
        let mut held = HashMap::new();
        let mut clients = Vec::with_capacity(file.client.len());
        for (n, read) in file.client.into_iter().enumerate() {
            let entry = Entry("client", n);
            let client = client(&entry, &read)?;
            match held.entry(client.id.clone()) {
                Place::Occupied(_) => {
                    return Err(entry.invalid("id", "a name that no other client has"));
                }
                Place::Vacant(free) => drop(free.insert(client.scopes.clone())),
            }
            clients.push(client);
        }
        let keys: Result<_, _> = file
            .key
            .into_iter()
            .enumerate()
            .map(|(n, read)| key(&Entry("key", n), &read, &held))
            .collect();
        Ok(Self {
            serial,
            clients,
            keys: keys?,
        })
    }
}

fn client(entry: &Entry, read: &shape::Client) -> Result<FileClient, KeySetError> {
    Ok(FileClient {
        id: entry.parse("id", &read.id)?,
        scopes: entry.scopes(&read.scopes)?,
        enabled: read.enabled.unwrap_or(true),
    })
}

fn key(
    entry: &Entry,
    read: &shape::Key,
    held: &HashMap<ClientId, Scopes>,
) -> Result<FileKey, KeySetError> {
    let digest = digest(entry, read)?;
    let id = entry.parse("id", &read.id)?;
    let client = entry.parse("client", &read.client)?;
    let Some(held) = held.get(&client) else {
        return Err(entry.invalid("client", "the id of a [[client]] in this file"));
    };
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
    Ok(FileKey {
        id,
        client,
        digest,
        scopes,
        created_at: entry.time("created_at", read.created_at.as_deref())?,
        not_before: entry.time("not_before", read.not_before.as_deref())?,
        not_after: entry.time("not_after", read.not_after.as_deref())?,
        retires_at: entry.time("retires_at", read.retires_at.as_deref())?,
        revoked_at: entry.time("revoked_at", read.revoked_at.as_deref())?,
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
    })
}

/// Returns the digest, unless a key itself stands beside it or in the place of a name.
fn digest(entry: &Entry, read: &shape::Key) -> Result<KeyDigest, KeySetError> {
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
