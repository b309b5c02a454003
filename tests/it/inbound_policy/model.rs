//! The policies as a list that is read from top to bottom, and nothing clever.

use std::sync::Arc;

use http::Method;

use super::law::readings;
use tower_rotating_auth::inbound::{
    ConfigError, KeyRecord,
    policy::{Access, DecisionReason, RoutePolicy},
};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) method: Method,
    pub(super) place: Place,
    pub(super) text: String,
    pub(super) access: Access,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    Path,
    Template,
}

impl Entry {
    pub(super) fn list(&self, policies: RoutePolicy) -> Result<RoutePolicy, ConfigError> {
        let (method, text) = (self.method.clone(), &*self.text);
        match (self.place, &self.access) {
            (Place::Path, Access::Public) => policies.public(method, text),
            (Place::Path, Access::Optional) => policies.optional(method, text),
            (Place::Path, Access::OptionalLenient) => policies.optional_lenient(method, text),
            (Place::Path, Access::Required(required)) => {
                policies.required(method, text, required.clone())
            }
            (Place::Path, _) => policies.deny(method, text),
            (Place::Template, Access::Public) => policies.public_template(method, text),
            (Place::Template, Access::Optional) => policies.optional_template(method, text),
            (Place::Template, Access::OptionalLenient) => {
                policies.optional_lenient_template(method, text)
            }
            (Place::Template, Access::Required(required)) => {
                policies.required_template(method, text, required.clone())
            }
            (Place::Template, _) => policies.deny_template(method, text),
        }
    }
}

/// The policies that take of these entries what they can, with what they took.
pub(super) fn list(unlisted: RoutePolicy, entries: &[Entry]) -> (RoutePolicy, Vec<Entry>) {
    let mut policies = unlisted;
    let mut taken = vec![];
    for entry in entries {
        if let Ok(more) = entry.list(policies.clone()) {
            policies = more;
            taken.push(entry.clone());
        }
    }
    (policies, taken)
}

/// The policies without the entries that the audit has no route for.
pub(super) fn audited(entries: &[Entry], routes: &[(Method, String)]) -> RoutePolicy {
    let listed = || {
        routes
            .iter()
            .map(|(method, path)| (method.clone(), &**path))
    };
    let (mut policies, mut taken) = list(RoutePolicy::new(), entries);
    while let Err(wrong) = policies.audit(listed()) {
        taken.retain(|entry| {
            let same = |text: &str, method: &Method| entry.text == text && entry.method == method;
            !wrong.routes().any(|(method, path)| same(path, method))
        });
        policies = list(RoutePolicy::new(), &taken).0;
    }
    policies
}

/// Asserts that the policies say of a request what the list says. Where the path, or that of an
/// entry, has other spellings, they may say less, and must where somebody reads the one as the
/// other.
pub(super) fn assert_explained(
    policies: &RoutePolicy,
    unlisted: &Access,
    entries: &[Entry],
    method: &Method,
    path: &str,
    template: Option<&str>,
) {
    let decision = policies.explain(method, path, template);
    let (own, why) = explain(unlisted, entries, method, path, template);
    let request = format!("{method} {path} {template:?}");
    if decision.reason() != DecisionReason::OtherSpelling {
        assert_eq!(
            (decision.access(), decision.reason()),
            (&own, why),
            "{request}"
        );
    }
    assert!(is_at_most(decision.access(), &own), "{request}: {decision}");
    let readings: Vec<_> = readings(path).iter().map(|path| tidy(path)).collect();
    let has_own = |entry: &Entry| {
        entries.iter().any(|own| {
            own.method == *method && tidy(own.text.as_bytes()) == tidy(entry.text.as_bytes())
        })
    };
    let closing = entries.iter().filter(|entry| {
        let is_for_head = *method == Method::HEAD && entry.method == Method::GET && !has_own(entry);
        entry.place == Place::Path
            && !entry.access.is_open()
            && (entry.method == *method || is_for_head)
    });
    for entry in closing {
        if readings.contains(&tidy(entry.text.as_bytes())) {
            let is_closed = is_at_most(decision.access(), &entry.access);
            assert!(is_closed, "{request}: {decision}, and {entry:?}");
        }
    }
    if !entries.iter().any(|entry| !entry.access.is_open()) {
        assert_ne!(
            decision.reason(),
            DecisionReason::OtherSpelling,
            "{request}"
        );
    }
}

/// Decoded once, and without a slash at the end.
pub(super) fn tidy(path: &[u8]) -> Vec<u8> {
    let decoded = decode(path);
    decoded.strip_suffix(b"/").unwrap_or(&decoded).to_vec()
}

/// A key of each kind that a requirement could tell apart.
fn keys() -> Vec<Arc<KeyRecord>> {
    let mut keys = vec![];
    for client in ["one", "two"] {
        for scopes in ["", "admin", "chat", "admin chat"] {
            for role in [None, Some("operator")] {
                let (id, client) = ("k".parse().unwrap(), client.parse().unwrap());
                let roles = role.map(|role| role.parse().unwrap());
                let record = KeyRecord::new(id, client, scopes.parse().unwrap());
                keys.push(Arc::new(record.with_roles(roles)));
            }
        }
    }
    keys
}

/// Whether a rule grants no more than another.
fn is_at_most(access: &Access, other: &Access) -> bool {
    match (access, other) {
        (Access::Deny, _) => true,
        (Access::Required(ours), Access::Required(theirs)) => keys()
            .iter()
            .all(|key| ours.check(key).is_err() || theirs.check(key).is_ok()),
        (Access::Required(_), other) => other.is_open(),
        (access, other) => access == other,
    }
}

/// What the list says of a request, whose path is taken as it is.
pub(super) fn explain(
    unlisted: &Access,
    entries: &[Entry],
    method: &Method,
    path: &str,
    template: Option<&str>,
) -> (Access, DecisionReason) {
    let mut methods = vec![method.clone()];
    if method == Method::HEAD {
        methods.push(Method::GET);
    }
    let mut found = vec![];
    for (place, text, why) in [
        (Place::Path, Some(path), DecisionReason::Exact),
        (Place::Template, template, DecisionReason::Template),
    ] {
        for method in &methods {
            for entry in entries {
                if entry.place == place && entry.method == *method && Some(&*entry.text) == text {
                    found.push((entry.access.clone(), why));
                }
            }
        }
    }
    match found.into_iter().next() {
        Some((access, why)) if is_plain(path) || !access.is_open() => (access, why),
        _ if is_plain(path) => (unlisted.clone(), DecisionReason::Unlisted),
        _ => (unlisted.clone(), DecisionReason::SuspiciousPath),
    }
}

/// Each rule by itself, over the whole path.
pub(super) fn is_plain(path: &str) -> bool {
    let literals =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,=:@/%";
    let mut escapes = vec![];
    for escape in path.split('%').skip(1) {
        match escape.get(..2).map(|digits| u8::from_str_radix(digits, 16)) {
            Some(Ok(byte)) if !escape.starts_with('+') => escapes.push(byte),
            _ => return false,
        }
    }
    path.starts_with('/')
        && !path.contains("//")
        && path.chars().all(|c| literals.contains(c))
        && path.split('/').all(|segment| !segment.ends_with('.'))
        && path.split('/').all(|segment| !segment.ends_with("%20"))
        && escapes.iter().all(|byte| {
            !byte.is_ascii_control()
                && !byte.is_ascii_alphanumeric()
                && !b"-._~/\\;?#%".contains(byte)
        })
        && decoded_is_utf8(path)
}

fn decoded_is_utf8(path: &str) -> bool {
    String::from_utf8(decode(path.as_bytes())).is_ok()
}

/// Undoes what escapes there are.
pub(super) fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = vec![];
    let mut left = path;
    while let Some((&byte, rest)) = left.split_first() {
        let escape = (byte == b'%')
            .then(|| std::str::from_utf8(rest.get(..2)?).ok())
            .flatten()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escape.unwrap_or(byte));
        left = if escape.is_some() { &rest[2..] } else { rest };
    }
    decoded
}
