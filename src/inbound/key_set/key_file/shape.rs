//! The fields of a key file, as serde reads and writes them. Any other field is an error.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use toml::value::Datetime;

use super::piece::Piece;
use crate::inbound::key_set::error::{KeySetError, KeySetErrorKind};

/// The whole file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) version: u32,
    /// Files of earlier versions call it `generation`.
    #[serde(alias = "generation")]
    pub(crate) serial: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) role: Vec<Role>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) client: Vec<Client>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) key: Vec<Key>,
}

/// The tables of a file.
pub(crate) struct Tables {
    pub(crate) roles: Vec<Role>,
    pub(crate) clients: Vec<Client>,
    pub(crate) keys: Vec<Key>,
}

/// The fields before the first table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) version: u32,
    #[serde(alias = "generation")]
    pub(crate) serial: Option<u64>,
}

/// A text with one `[[role]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneRole {
    role: [Role; 1],
}

/// A text with one `[[client]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneClient {
    client: [Client; 1],
}

/// A text with one `[[key]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneKey {
    key: [Key; 1],
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) scopes: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) roles: Vec<String>,
    pub(crate) enabled: Option<bool>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) client: String,
    pub(crate) digest: Option<String>,
    pub(crate) created_at: Option<Time>,
    pub(crate) not_before: Option<Time>,
    pub(crate) not_after: Option<Time>,
    pub(crate) retires_at: Option<Time>,
    pub(crate) revoked_at: Option<Time>,
    pub(crate) replaces: Option<String>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) roles: Option<Vec<String>>,
    pub(crate) networks: Option<Vec<String>>,
    pub(crate) certificate: Option<String>,
    pub(crate) provenance: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    /// Fields that people put a key itself in; they are read to say so.
    #[serde(skip_serializing)]
    pub(crate) token: Option<IgnoredAny>,
    #[serde(skip_serializing)]
    pub(crate) secret: Option<IgnoredAny>,
    #[serde(skip_serializing)]
    pub(crate) key: Option<IgnoredAny>,
}

/// A time as text, whether it was quoted or is a date of TOML.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Time(pub(crate) String);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

struct TimeVisitor;

impl<'de> Visitor<'de> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time")
    }

    fn visit_str<E>(self, text: &str) -> Result<Time, E> {
        Ok(Time(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Time, A::Error> {
        let time = Datetime::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Time(time.to_string()))
    }
}

impl File {
    pub(crate) fn parse(text: Piece<'_>) -> Result<Self, KeySetError> {
        parse(text)
    }

    pub(crate) fn into_parts(self) -> (Head, Tables) {
        let head = Head {
            version: self.version,
            serial: self.serial,
        };
        let tables = Tables {
            roles: self.role,
            clients: self.client,
            keys: self.key,
        };
        (head, tables)
    }
}

impl Head {
    /// Parses the fields before the first table, or all of a file that has no table.
    pub(crate) fn parse(text: Piece<'_>) -> Result<Self, KeySetError> {
        parse(text)
    }
}

impl OneRole {
    pub(crate) fn parse(text: Piece<'_>) -> Result<Role, KeySetError> {
        let Self { role: [role] } = parse(text)?;
        Ok(role)
    }
}

impl OneClient {
    pub(crate) fn parse(text: Piece<'_>) -> Result<Client, KeySetError> {
        let Self { client: [client] } = parse(text)?;
        Ok(client)
    }
}

impl OneKey {
    pub(crate) fn parse(text: Piece<'_>) -> Result<Key, KeySetError> {
        let Self { key: [key] } = parse(text)?;
        Ok(key)
    }
}

fn parse<'t, T: Deserialize<'t>>(text: Piece<'t>) -> Result<T, KeySetError> {
    toml::from_str(text.text).map_err(|error| invalid(text, &error))
}

/// What each field should be.
const FIELDS: [(&str, &str); 18] = [
    ("version", "1"),
    ("serial", "a whole number that is not negative"),
    ("generation", "a whole number that is not negative"),
    ("id", "text in quotes"),
    ("client", "the id of a [[client]], in quotes"),
    ("scopes", r#"a list of texts, such as ["chat:write"]"#),
    (
        "roles",
        r#"a list of ids of [[role]] tables, such as ["reader"]"#,
    ),
    ("networks", r#"a list of networks, such as ["10.0.0.0/8"]"#),
    (
        "certificate",
        "text in quotes: the SHA-256 of a certificate, in base64url or hexadecimal",
    ),
    ("enabled", "true or false"),
    (
        "digest",
        r#"text in quotes: "sha256:" and 64 hexadecimal digits"#,
    ),
    ("created_at", TIME),
    ("not_before", TIME),
    ("not_after", TIME),
    ("retires_at", TIME),
    ("revoked_at", TIME),
    ("replaces", "the id of a key, in quotes"),
    ("provenance", r#""imported" or "unchecked""#),
];

/// What a time should be.
pub(crate) const TIME: &str =
    "a time with its offset, up to the year 9999, such as \"2026-11-21T00:00:00Z\"";

/// Returns the parser's error without what it quotes, which may be a key in the wrong place.
fn invalid(text: Piece<'_>, error: &toml::de::Error) -> KeySetError {
    let before = error.span().map_or("", |span| {
        let start = span.start.min(text.text.len());
        text.text.get(..start).unwrap_or_default()
    });
    let line = text.line + before.matches('\n').count();
    let named = |kind: &str| {
        let name = error.message().strip_prefix(kind)?.split('`').nth(1)?;
        let harmless =
            name.len() <= 16 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        harmless.then_some(name)
    };
    let (field, what) = if let Some(name) = named("unknown field") {
        let what = format!("unknown field `{name}`; correct its spelling, or remove it");
        (None, what)
    } else if let Some(name) = named("missing field") {
        (None, format!("missing field `{name}`; add it"))
    } else if let Some((name, what)) = text.line(line).and_then(field_on) {
        (Some(name), format!("`{name}` should be {what}"))
    } else {
        let what = "unexpected text or value; compare it with the documentation";
        (None, what.to_owned())
    };
    let message = format!("not a key file: line {line}: {what}");
    KeySetError {
        line: Some(line),
        field,
        ..KeySetError::new(KeySetErrorKind::Syntax, message)
    }
}

/// Returns the field that a line begins with, and what it should be.
fn field_on(line: &str) -> Option<(&'static str, &'static str)> {
    let (name, _) = line.split_once('=')?;
    FIELDS.into_iter().find(|(field, _)| *field == name.trim())
}
