//! The changes of a new configuration file, and those that need a restart.

use std::ffi::OsString;

use super::document::{Document, Entry};
use super::error::ConfigError;
use super::load::{Loaded, load};

/// Fields about client keys. If one of them changes, the keys are read anew.
const CLIENT_KEYS: [&str; 12] = [
    "challenge_scope",
    "client_keys",
    "max_stale",
    "note_use",
    "optional",
    "policies",
    "poll_interval",
    "public",
    "realm",
    "resource_metadata",
    "secure_only",
    "trusted_proxy",
];

/// Other fields that can change while the gateway runs, besides those about upstreams.
const OTHERS: [&str; 11] = [
    "continue_timeout",
    "cors",
    "keep_request_header",
    "keep_response_header",
    "key_wait",
    "max_requests",
    "max_requests_per_client",
    "replay_memory",
    "replay_size",
    "strict_headers",
    "upload_timeout",
];

/// The verdict on a valid file for a running gateway.
#[derive(Debug)]
pub(crate) enum Judged {
    /// It can apply the file, except the fields that need a restart.
    Applies(Change, Box<Loaded>),
    /// The rest of the file contradicts the old values of these fields.
    NeedsRestart(Vec<String>),
}

/// Checks a new file by itself, as at a start, and then beside the old values of the fields that
/// need a restart.
pub(crate) fn judge(
    running: &Document,
    new: Document,
    argv: &[OsString],
) -> Result<Judged, ConfigError> {
    load(&new, argv)?;
    let change = Change::between(running, new);
    match load(&change.document, argv) {
        Ok(loaded) => Ok(Judged::Applies(change, Box::new(loaded))),
        // Without such fields, it is a file beside the configuration that has changed just now.
        Err(error) if change.needs_restart.is_empty() => Err(error),
        Err(_) => Ok(Judged::NeedsRestart(change.needs_restart)),
    }
}

/// The changes of a new file.
#[derive(Debug)]
pub(crate) struct Change {
    /// The new file, with the old values of fields that need a restart.
    pub(crate) document: Document,
    /// Fields whose new values count after a restart.
    pub(crate) needs_restart: Vec<String>,
    pub(crate) client_keys: ClientKeysChange,
}

/// The change of the fields about client keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKeysChange {
    Same,
    Changed,
}

impl Change {
    /// Compares a new file with the one that runs.
    pub(crate) fn between(running: &Document, mut new: Document) -> Self {
        let names = running.entries.iter().chain(&new.entries);
        let mut changed: Vec<String> = names
            .map(|entry| entry.name.clone())
            .filter(|name| arguments(running, name) != arguments(&new, name))
            .collect();
        changed.sort();
        changed.dedup();
        let client_keys = match changed.iter().any(|name| CLIENT_KEYS.contains(&&**name)) {
            true => ClientKeysChange::Changed,
            false => ClientKeysChange::Same,
        };
        changed.retain(|name| !can_change(name));
        new.entries.retain(|entry| !changed.contains(&entry.name));
        let old = running.entries.iter();
        let old = old.filter(|entry| changed.contains(&entry.name)).cloned();
        new.entries.extend(old);
        Self {
            document: new,
            needs_restart: changed,
            client_keys,
        }
    }
}

/// Returns whether a field can change while the gateway runs.
pub(crate) fn can_change(name: &str) -> bool {
    name.starts_with("upstream") || CLIENT_KEYS.contains(&name) || OTHERS.contains(&name)
}

fn arguments<'a>(document: &'a Document, name: &str) -> Option<&'a [OsString]> {
    document
        .get(name)
        .map(|Entry { arguments, .. }| &**arguments)
}

#[cfg(test)]
mod tests {
    use super::super::fields::Fields;
    use super::*;

    fn between(running: &str, new: &str) -> Change {
        let [running, new] = [running, new].map(|text| Document::parse(text).unwrap());
        Change::between(&running, new)
    }

    #[test]
    fn listener_needs_a_restart_and_keeps_running() {
        let running = "listen = \"127.0.0.1:1\"\ncors = [\"*\"]\nkeep_alive = 5";
        let new = "listen = \"127.0.0.1:2\"\ncors = []\nadmin_listen = \"127.0.0.1:3\"";
        let change = between(running, new);
        assert_eq!(
            change.needs_restart,
            ["admin_listen", "keep_alive", "listen"]
        );
        assert_eq!(change.client_keys, ClientKeysChange::Same);
        let found = |name| change.document.get(name).map(|entry| &*entry.arguments);
        assert_eq!(found("listen").unwrap(), ["--listen=127.0.0.1:1"]);
        assert_eq!(found("keep_alive").unwrap(), ["--keep-alive=5"]);
        assert!(found("cors").unwrap().is_empty());
        assert!(found("admin_listen").is_none());
    }

    #[test]
    fn moved_lines_change_nothing() {
        let change = between(
            "realm = \"a\"\nlisten = \"[::1]:1\"",
            "\n\nlisten = \"[::1]:1\"\nrealm = \"a\"",
        );
        assert!(change.needs_restart.is_empty());
        assert_eq!(change.client_keys, ClientKeysChange::Same);
        let change = between("realm = \"a\"", "realm = \"b\"");
        assert!(change.needs_restart.is_empty());
        assert_eq!(change.client_keys, ClientKeysChange::Changed);
    }

    #[test]
    fn fields_that_can_change_exist() {
        let fields = Fields::of_file();
        for name in CLIENT_KEYS.iter().chain(&OTHERS) {
            assert!(fields.get(name).is_some(), "{name}");
        }
    }
}
