//! Reading a key file.

use std::collections::HashMap;

use super::entry::Entry;
use super::tables::Tables;
use super::{KeyFile, VERSION, shape};
use crate::inbound::entries::{ClientEntry, ClientState, KeyEntry};
use crate::inbound::key::{
    ClientId, Grants, KeyDigest, KeyId, Networks, Provenance, Restrictions, RoleTable,
};
use crate::inbound::key_set::error::{KeySetError, KeySetErrorKind};

impl KeyFile {
    pub(crate) fn parse(text: &str) -> Result<Self, KeySetError> {
        let mut keys = Vec::new();
        let file = each_key(text, |key, _, _| {
            keys.push(key);
            Ok(())
        })?;
        Ok(Self { keys, ..file })
    }
}

/// The clients of a file, each with what it is granted.
#[derive(Default)]
struct Clients {
    in_order: Vec<ClientEntry>,
    grants: Vec<Grants>,
    positions: HashMap<ClientId, usize>,
}

impl Clients {
    fn get(&self, id: &ClientId) -> Option<(&ClientEntry, &Grants)> {
        let position = *self.positions.get(id)?;
        self.in_order.get(position).zip(self.grants.get(position))
    }
}

/// Reads a key file, and calls `each` for each key with its client and what it is granted. Returns
/// the file without its keys.
pub(crate) fn each_key(
    text: &str,
    mut each: impl FnMut(KeyEntry, &ClientEntry, Grants) -> Result<(), KeySetError>,
) -> Result<KeyFile, KeySetError> {
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
    let mut roles = RoleTable::default();
    tables.roles(|number, text, read| {
        let entry = Entry {
            table: "role",
            number,
            text,
        };
        let (role, scopes) = (entry.parse("id", &read.id)?, entry.scopes(&read.scopes)?);
        match roles.add(role, scopes) {
            true => Ok(()),
            false => Err(entry.invalid("id", "a name that no other role has")),
        }
    })?;
    let mut clients = Clients::default();
    tables.clients(|number, text, read| {
        let entry = Entry {
            table: "client",
            number,
            text,
        };
        let client = client(&entry, &read, &roles)?;
        let next = clients.in_order.len();
        if clients.positions.insert(client.id.clone(), next).is_some() {
            return Err(entry.invalid("id", "a name that no other client has"));
        }
        let grants = roles.grants(&client.scopes, &client.roles);
        clients.grants.push(grants);
        clients.in_order.push(client);
        Ok(())
    })?;
    tables.keys(|number, text, read| {
        let entry = Entry {
            table: "key",
            number,
            text,
        };
        let (key, client, grants) = key(&entry, &read, &clients, &roles)?;
        each(key, client, grants)
    })?;
    Ok(KeyFile {
        serial,
        roles,
        clients: clients.in_order,
        keys: Vec::new(),
    })
}

fn client(
    entry: &Entry<'_>,
    read: &shape::Client,
    roles: &RoleTable,
) -> Result<ClientEntry, KeySetError> {
    Ok(ClientEntry {
        id: entry.parse("id", &read.id)?,
        scopes: entry.scopes(&read.scopes)?,
        roles: entry.roles(&read.roles, roles)?,
        state: match read.enabled {
            None | Some(true) => ClientState::Enabled,
            Some(false) => ClientState::Disabled,
        },
    })
}

fn key<'c>(
    entry: &Entry<'_>,
    read: &shape::Key,
    clients: &'c Clients,
    roles: &RoleTable,
) -> Result<(KeyEntry, &'c ClientEntry, Grants), KeySetError> {
    let digest = digest(entry, read)?;
    let id = entry.parse("id", &read.id)?;
    let client: ClientId = entry.parse("client", &read.client)?;
    let Some((client, held)) = clients.get(&client) else {
        return Err(entry.invalid("client", "the id of a [[client]] in this file"));
    };
    let scopes = match &read.scopes {
        Some(scopes) => Some(entry.scopes(scopes)?),
        None => None,
    };
    let own_roles = match &read.roles {
        Some(names) => Some(entry.roles(names, roles)?),
        None => None,
    };
    let Some(grants) = roles.grants_of_key(held, scopes.as_ref(), own_roles.as_deref()) else {
        let is_of_roles = own_roles
            .iter()
            .flatten()
            .any(|role| !held.roles.contains(role));
        let field = if is_of_roles { "roles" } else { "scopes" };
        return Err(entry.invalid(field, "among those of its client"));
    };
    let replaces = match &read.replaces {
        Some(replaced) => Some(entry.parse::<KeyId>("replaces", replaced)?),
        None => None,
    };
    let idempotency_key = match &read.idempotency_key {
        Some(key) => Some(entry.parse("idempotency_key", key)?),
        None => None,
    };
    let key = KeyEntry {
        id,
        // All keys of a client share one allocation of its id.
        client: client.id.clone(),
        digest,
        scopes,
        roles: own_roles,
        restrictions: restrictions(entry, read)?,
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
    Ok((key, client, grants))
}

fn restrictions(entry: &Entry<'_>, read: &shape::Key) -> Result<Restrictions, KeySetError> {
    let networks = match &read.networks {
        // Nobody writes that to lock a key, which has a field for it.
        Some(networks) if networks.is_empty() => {
            return Err(entry.invalid("networks", "a list of at least one network, or absent"));
        }
        Some(networks) => {
            let networks = Networks::parse_each(networks.iter().map(String::as_str));
            Some(networks.map_err(|error| entry.wrong("networks", &error))?)
        }
        None => None,
    };
    let certificate = match &read.certificate {
        Some(digest) => Some(entry.parse("certificate", digest)?),
        None => None,
    };
    Ok(Restrictions {
        networks,
        certificate,
    })
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
