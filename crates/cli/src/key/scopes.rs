//! Errors about scopes: which one is missing, and the command that helps.

use std::path::Path;

use tower_rotating_auth::inbound::{ClientId, Scopes};
use tower_rotating_auth::keyring::{KeyRing, KeyRingError, NotAllowed};

use super::args::common::{KeyOptions, named};
use super::doctor::is_live;
use crate::error::Error;

/// Returns the error of a key that would have scopes which its client does not have.
pub(super) fn of_key(
    ring: &KeyRing,
    file: &Path,
    options: &KeyOptions,
    error: KeyRingError,
) -> Error {
    let Some(NotAllowed::MoreThanItsClient(id)) = error.not_allowed() else {
        return error.into();
    };
    let state = ring.state();
    let held = state.client(id).map(|client| client.scopes().clone());
    let (held, wanted) = (
        held.unwrap_or_default(),
        named(&options.scope).unwrap_or_default(),
    );
    let missing = beyond(&wanted, &held);
    let all: Scopes = held.iter().chain(wanted.iter()).cloned().collect();
    Error::no(format!(
        "client {id} does not have {}; run `rotating-auth key client --file {} --client {id} --scope \
         {}` first",
        listed(&missing),
        quoted(&file.display().to_string()),
        quoted(&all.to_string().replace(' ', ",")),
    ))
}

/// Returns the error of a client that would lose a scope which one of its keys has.
pub(super) fn of_client(
    ring: &KeyRing,
    file: &Path,
    client: &ClientId,
    wanted: &Scopes,
    error: KeyRingError,
) -> Error {
    let (state, keys) = (ring.state(), ring.list());
    // A key without scopes of its own follows its client.
    let wider = keys
        .iter()
        .filter(|key| key.client == *client && is_live(key))
        .filter_map(|key| Some((key, state.key(&key.id)?.scopes()?)))
        .find(|(_, scopes)| !wanted.contains_all(scopes));
    match (error.not_allowed(), wider) {
        (Some(NotAllowed::MoreThanItsClient(_) | NotAllowed::Invalid(_)), Some((key, scopes))) => {
            Error::no(format!(
                "key {} of {client} has {}; run `rotating-auth key revoke --file {} --key {}` first",
                key.id,
                listed(&beyond(scopes, wanted)),
                quoted(&file.display().to_string()),
                key.id,
            ))
        }
        _ => error.into(),
    }
}

fn beyond(wanted: &Scopes, held: &Scopes) -> Scopes {
    let is_missing =
        |scope: &_| !held.contains_all(&std::iter::once(Clone::clone(scope)).collect());
    wanted
        .iter()
        .filter(|scope| is_missing(*scope))
        .cloned()
        .collect()
}

fn listed(scopes: &Scopes) -> String {
    let word = match scopes.iter().count() {
        1 => "scope",
        _ => "scopes",
    };
    format!("the {word} {scopes}")
}

/// Quotes a word for a shell, if it needs that.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:/@+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, wanted) in [
            ("keys.toml", "keys.toml"),
            ("chat:write,a/b", "chat:write,a/b"),
            ("my keys", "'my keys'"),
            ("a'b$(c)", r"'a'\''b$(c)'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), wanted);
        }
    }
}
