//! The fields of a key file, as serde reads and writes them. Any other field is an error.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::inbound::key_set::error::{KeySetError, KeySetErrorKind};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) version: u32,
    /// Files of earlier versions call it `generation`.
    #[serde(alias = "generation")]
    pub(crate) serial: Option<u64>,
    #[serde(default)]
    pub(crate) client: Vec<Client>,
    #[serde(default)]
    pub(crate) key: Vec<Key>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    pub(crate) enabled: Option<bool>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) client: String,
    pub(crate) digest: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) not_before: Option<String>,
    pub(crate) not_after: Option<String>,
    pub(crate) retires_at: Option<String>,
    pub(crate) revoked_at: Option<String>,
    pub(crate) replaces: Option<String>,
    pub(crate) scopes: Option<Vec<String>>,
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

impl File {
    pub(crate) fn parse(text: &str) -> Result<Self, KeySetError> {
        toml::from_str(text).map_err(|error| shape(text, &error))
    }
}

/// Returns the parser's error without what it quotes, which may be a key in the wrong place.
fn shape(text: &str, error: &toml::de::Error) -> KeySetError {
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
        .unwrap_or_else(|| "unexpected text or value; compare it with the documentation".into());
    let message = format!("not a key file: line {line}: {what}");
    KeySetError {
        line: Some(line),
        ..KeySetError::new(KeySetErrorKind::Syntax, message)
    }
}
