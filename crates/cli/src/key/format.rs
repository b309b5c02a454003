//! Output for people (tables) and for scripts (JSON).

use std::fmt::{self, Write as _};
use std::time::SystemTime;

use jiff::{Timestamp, Unit};
use serde_json::{Map, Value};
use tower_rotating_auth::{
    inbound::{KeyId, KeyStatus, Provenance, Scopes},
    keyring::{ClientState, KeySummary},
};

use crate::error::Error;
use crate::output::{complain, print};

/// The format of a command's result.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Style {
    /// Print JSON on standard output, and only errors on standard error.
    #[arg(long)]
    json: bool,
}

impl Style {
    pub(super) const fn is_json(self) -> bool {
        self.json
    }

    /// Writes a message for people to standard error.
    pub(super) fn note(self, message: fmt::Arguments<'_>) {
        if !self.json {
            complain(message);
        }
    }

    /// Prints an object for scripts.
    pub(super) fn object(self, fields: impl FnOnce() -> Value) -> Result<(), Error> {
        if self.json {
            print(format_args!("{:#}", fields()))?;
        }
        Ok(())
    }
}

/// Formats a time for people: UTC, to the minute.
pub(crate) struct Moment(pub(crate) SystemTime);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::try_from(self.0) {
            Ok(moment) => f.pad(&moment.strftime("%Y-%m-%d %H:%M").to_string()),
            Err(_) => f.pad("far away"),
        }
    }
}

/// Formats a time for scripts: RFC 3339, to the second.
pub(crate) fn rfc3339(moment: SystemTime) -> Option<String> {
    let moment = Timestamp::try_from(moment).ok()?;
    Some(moment.round(Unit::Second).ok()?.to_string())
}

/// Formats the day of a time, in UTC.
pub(crate) fn day(moment: SystemTime) -> Option<String> {
    let moment = Timestamp::try_from(moment).ok()?;
    Some(moment.strftime("%Y-%m-%d").to_string())
}

/// Returns the state of a key. A key that has not ended is `disabled` while its client is.
pub(crate) fn state(key: &KeySummary) -> String {
    match (key.client_state, key.status) {
        (_, status @ (KeyStatus::Expired | KeyStatus::Revoked)) => status.to_string(),
        (ClientState::Disabled, _) => "disabled".to_owned(),
        (ClientState::Enabled, KeyStatus::NotYetValid) => "scheduled".to_owned(),
        (ClientState::Enabled, status) => status.to_string(),
    }
}

/// Formats scopes for a sentence.
pub(crate) fn scopes(scopes: &Scopes) -> String {
    match scopes.is_empty() {
        true => "without scopes".to_owned(),
        false => format!("with scopes {scopes}"),
    }
}

/// Formats words as one JSON identifier.
pub(crate) fn in_json(words: &str) -> String {
    words.replace(' ', "_")
}

/// Returns the fields of a key's JSON object.
pub(crate) fn object(key: &KeySummary) -> Map<String, Value> {
    let scopes: Vec<_> = key.scopes.iter().map(ToString::to_string).collect();
    let fields: [(&str, Value); 11] = [
        ("client", key.client.as_str().into()),
        (
            "client_enabled",
            (key.client_state == ClientState::Enabled).into(),
        ),
        ("id", key.id.as_str().into()),
        ("state", in_json(&state(key)).into()),
        ("scopes", scopes.into()),
        ("created_at", key.created_at.and_then(rfc3339).into()),
        ("not_before", key.not_before.and_then(rfc3339).into()),
        ("ends_at", key.ends_at.and_then(rfc3339).into()),
        ("revoked_at", key.revoked_at.and_then(rfc3339).into()),
        (
            "replaces",
            key.replaces.as_ref().map(ToString::to_string).into(),
        ),
        (
            "strength_checked",
            (key.provenance != Provenance::Unchecked).into(),
        ),
    ];
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Formats a table with columns as wide as their content, two spaces apart, without trailing
/// spaces.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let mut table = String::new();
    for row in [&head.map(str::to_owned)].into_iter().chain(rows) {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        if !table.is_empty() {
            table.push('\n');
        }
        table.push_str(line.trim_end());
    }
    table
}

/// Formats ids for scripts.
pub(crate) fn ids(ids: &[KeyId]) -> Value {
    ids.iter().map(KeyId::as_str).collect()
}

/// Joins ids with commas.
pub(crate) fn comma(ids: &[KeyId]) -> String {
    let ids: Vec<_> = ids.iter().map(KeyId::as_str).collect();
    ids.join(", ")
}
