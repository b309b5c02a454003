//! The key file: TOML, digests only.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::digest::KeyDigest;
use super::id::{ClientId, KeyId};
use super::key_set::{InvalidKeySet, KeySet};
use super::record::KeyRecord;
use super::scope::Scopes;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    generation: Option<u64>,
    #[serde(default)]
    client: Vec<Client>,
    #[serde(default)]
    key: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    id: String,
    #[serde(default)]
    scopes: Vec<String>,
    enabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: String,
    client: String,
    digest: Option<String>,
    created_at: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    retires_at: Option<String>,
    revoked_at: Option<String>,
    replaces: Option<String>,
    scopes: Option<Vec<String>>,
    provenance: Option<String>,
    idempotency_key: Option<String>,
    token: Option<IgnoredAny>,
    secret: Option<IgnoredAny>,
    key: Option<IgnoredAny>,
}

/// Why a text is not a key file. It tells where and what, and quotes nothing that may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKeyFile {
    /// Not TOML of this shape; the line, and the field where that is known to be harmless to name.
    Shape {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// A version that this crate does not read.
    Version(u32),
    /// A field of a client or key has a value that it cannot have.
    Field {
        /// Which entry, by table and position from 1.
        entry: String,
        /// Which field.
        field: &'static str,
        /// What it should be.
        what: String,
    },
    /// A key itself stands in the file, where its digest or its name belongs.
    PlainKey {
        /// Which entry, by table and position from 1.
        entry: String,
    },
    /// The keys do not make a set.
    Set(InvalidKeySet),
}

impl KeySet {
    /// Reads a key file.
    ///
    /// ```
    /// use tower_rotating_auth::{KeySet, NewKey};
    ///
    /// let digest = NewKey::generate()?.digest().to_text();
    /// let keys = KeySet::from_toml(&format!(r#"
    ///     version = 1
    ///
    ///     [[client]]
    ///     id = "open-webui"
    ///     scopes = ["chat:write", "models:read"]
    ///
    ///     [[key]]
    ///     id = "0123456789AB"
    ///     client = "open-webui"
    ///     digest = "{digest}"
    ///     not_after = "2027-02-21T00:00:00Z"
    /// "#))?;
    /// assert_eq!(keys.len(), 1);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the text is not a key file. An unknown field is an error, too: a misspelt `not_after`
    /// must not mean "for ever".
    pub fn from_toml(text: &str) -> Result<Self, InvalidKeyFile> {
        let file: File = toml::from_str(text).map_err(|error| shape(text, &error))?;
        if file.version != 1 {
            return Err(InvalidKeyFile::Version(file.version));
        }
        let mut clients = HashMap::new();
        for (n, client) in file.client.into_iter().enumerate() {
            let entry = Entry("client", n);
            let id: ClientId = entry.parse("id", &client.id)?;
            let scopes = entry.scopes(&client.scopes)?;
            let enabled = client.enabled.unwrap_or(true);
            if clients.insert(id, (scopes, enabled)).is_some() {
                return Err(entry.invalid("id", "a name that no client before it has"));
            }
        }
        let keys: Result<Vec<_>, _> = file
            .key
            .into_iter()
            .enumerate()
            .map(|(n, key)| record(&Entry("key", n), key, &clients))
            .collect();
        let set = Self::new(keys?).map_err(InvalidKeyFile::Set)?;
        Ok(set.with_edition(file.generation.unwrap_or(0)))
    }
}

/// The generation that a file carries, also one without keys.
pub(super) fn edition_of(text: &str) -> u64 {
    let file: Result<File, _> = toml::from_str(text);
    file.ok().and_then(|file| file.generation).unwrap_or(0)
}

type Clients = HashMap<ClientId, (Scopes, bool)>;

fn record(
    entry: &Entry,
    key: Key,
    clients: &Clients,
) -> Result<(KeyDigest, KeyRecord), InvalidKeyFile> {
    if key.token.is_some() || key.secret.is_some() || key.key.is_some() {
        return Err(InvalidKeyFile::PlainKey {
            entry: entry.name(),
        });
    }
    let Some(digest) = key.digest else {
        return Err(entry.invalid("digest", "there: \"sha256:\" and 64 hexadecimal digits"));
    };
    let digest = entry.parse("digest", &digest)?;
    let names = [
        Some(&key.id),
        Some(&key.client),
        key.replaces.as_ref(),
        key.idempotency_key.as_ref(),
    ];
    if names
        .into_iter()
        .flatten()
        .any(|name| KeyDigest::of(name.as_bytes()) == digest)
    {
        return Err(InvalidKeyFile::PlainKey {
            entry: entry.name(),
        });
    }
    let id: KeyId = entry.parse("id", &key.id)?;
    let client: ClientId = entry.parse("client", &key.client)?;
    let Some((held, enabled)) = clients.get(&client) else {
        return Err(entry.invalid("client", "the id of a [[client]] in this file"));
    };
    let scopes = match &key.scopes {
        Some(scopes) => entry.scopes(scopes)?,
        None => held.clone(),
    };
    if !held.contains_all(&scopes) {
        return Err(entry.invalid("scopes", "among those of its client"));
    }
    if let Some(replaced) = &key.replaces {
        entry.parse::<KeyId>("replaces", replaced)?;
    }
    if !matches!(
        key.provenance.as_deref(),
        None | Some("imported" | "unchecked")
    ) {
        return Err(entry.invalid("provenance", "\"imported\" or \"unchecked\""));
    }
    entry.time("created_at", key.created_at.as_deref())?;
    let mut record = KeyRecord {
        not_before: entry.time("not_before", key.not_before.as_deref())?,
        not_after: entry.time("not_after", key.not_after.as_deref())?,
        disabled: !enabled,
        ..KeyRecord::new(id, client, scopes)
    };
    if let Some(moment) = entry.time("retires_at", key.retires_at.as_deref())? {
        record = record.retired_at(moment);
    }
    if entry
        .time("revoked_at", key.revoked_at.as_deref())?
        .is_some()
    {
        record = record.revoked();
    }
    Ok((digest, record))
}

/// Which `[[client]]` or `[[key]]` it is: the table, and the position from 0.
struct Entry(&'static str, usize);

impl Entry {
    fn name(&self) -> String {
        format!("[[{}]] number {}", self.0, self.1 + 1)
    }

    fn invalid(&self, field: &'static str, what: impl Into<String>) -> InvalidKeyFile {
        InvalidKeyFile::Field {
            entry: self.name(),
            field,
            what: what.into(),
        }
    }

    fn parse<T>(&self, field: &'static str, text: &str) -> Result<T, InvalidKeyFile>
    where
        T: std::str::FromStr<Err: fmt::Display>,
    {
        text.parse()
            .map_err(|why: T::Err| self.invalid(field, why.to_string()))
    }

    fn scopes(&self, scopes: &[String]) -> Result<Scopes, InvalidKeyFile> {
        scopes
            .iter()
            .map(|scope| self.parse("scopes", scope))
            .collect()
    }

    fn time(
        &self,
        field: &'static str,
        text: Option<&str>,
    ) -> Result<Option<SystemTime>, InvalidKeyFile> {
        let Some(text) = text else { return Ok(None) };
        let time: Timestamp = text.parse().map_err(|_| {
            self.invalid(field, "a time with its offset, as \"2026-11-21T00:00:00Z\"")
        })?;
        Ok(Some(time.into()))
    }
}

/// What the parser says of it, without what it quotes: a key may have been put in the wrong place.
fn shape(text: &str, error: &toml::de::Error) -> InvalidKeyFile {
    let line = error.span().map_or(1, |span| {
        1 + text[..span.start.min(text.len())].matches('\n').count()
    });
    let named = |kind: &str| {
        let name = error.message().strip_prefix(kind)?.split('`').nth(1)?;
        let harmless =
            name.len() <= 16 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        harmless.then(|| format!("{kind} `{name}`"))
    };
    let what = ["unknown field", "missing field"]
        .into_iter()
        .find_map(named)
        .unwrap_or_else(|| "not what a key file has there".into());
    InvalidKeyFile::Shape { line, what }
}

impl fmt::Display for InvalidKeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape { line, what } => write!(f, "not a key file: line {line}: {what}"),
            Self::Version(version) => {
                write!(
                    f,
                    "not a key file that can be read: version {version}, not 1"
                )
            }
            Self::Field { entry, field, what } => write!(f, "{entry}: {field} should be {what}"),
            Self::PlainKey { entry } => {
                write!(
                    f,
                    "{entry}: a key itself does not belong here; store its digest, and name it something else"
                )
            }
            Self::Set(_) => f.write_str("the keys of the file do not make a set"),
        }
    }
}

impl Error for InvalidKeyFile {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Set(invalid) => Some(invalid),
            _ => None,
        }
    }
}
