//! What stands in a key file, word for word. A field that is not here is an error.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::invalid::InvalidKeyFile;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) version: u32,
    pub(super) generation: Option<u64>,
    #[serde(default)]
    pub(super) client: Vec<Client>,
    #[serde(default)]
    pub(super) key: Vec<Key>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) id: String,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
    pub(super) enabled: Option<bool>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) client: String,
    pub(super) digest: Option<String>,
    pub(super) created_at: Option<String>,
    pub(super) not_before: Option<String>,
    pub(super) not_after: Option<String>,
    pub(super) retires_at: Option<String>,
    pub(super) revoked_at: Option<String>,
    pub(super) replaces: Option<String>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) provenance: Option<String>,
    pub(super) idempotency_key: Option<String>,
    /// Where people put a key itself.
    #[serde(skip_serializing)]
    pub(super) token: Option<IgnoredAny>,
    #[serde(skip_serializing)]
    pub(super) secret: Option<IgnoredAny>,
    #[serde(skip_serializing)]
    pub(super) key: Option<IgnoredAny>,
}

impl File {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidKeyFile> {
        toml::from_str(text).map_err(|error| shape(text, &error))
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
