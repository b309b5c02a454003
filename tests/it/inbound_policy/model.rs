//! The policies as a list that is read from top to bottom, and nothing clever.

use http::Method;
use tower_rotating_auth::inbound::{
    ConfigError,
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
            (Place::Path, Access::Required(scopes)) => {
                policies.required(method, text, scopes.clone())
            }
            (Place::Path, _) => policies.deny(method, text),
            (Place::Template, Access::Public) => policies.public_template(method, text),
            (Place::Template, Access::Optional) => policies.optional_template(method, text),
            (Place::Template, Access::OptionalLenient) => {
                policies.optional_lenient_template(method, text)
            }
            (Place::Template, Access::Required(scopes)) => {
                policies.required_template(method, text, scopes.clone())
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
    let (policies, taken) = list(RoutePolicy::new(), entries);
    let Err(wrong) = policies.audit(listed()) else {
        return policies;
    };
    let right: Vec<_> = taken
        .into_iter()
        .filter(|entry| {
            let same = |text: &str, method: &Method| entry.text == text && entry.method == method;
            !wrong.routes().any(|(method, path)| same(path, method))
        })
        .collect();
    list(RoutePolicy::new(), &right).0
}

/// What the list says of a request.
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
