//! Laws of the gateway's header filter: no credential of a client goes in, no key of the upstream
//! comes out, and what passed once passes again.
#![no_main]

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/cli/src/gateway/proxy/headers/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the filter is one part of the module")]
mod headers;

use headers::{Direction, HeaderPolicy, Unknown, filter};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    headers: Vec<(&'a [u8], &'a [u8])>,
    key: &'a [u8],
    keep: &'a [u8],
    is_strict: bool,
    is_response: bool,
}

/// Names that an upstream or a proxy may take for a key.
const KEYS: [&str; 14] = [
    "api-key",
    "authorization",
    "cookie",
    "cookie2",
    "proxy-authorization",
    "set-cookie",
    "set-cookie2",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
    "x-goog-api-key",
    "x-secret",
    "x-vault-token",
];

/// A second opinion: how a server reads a name that tells no punctuation apart.
fn as_variable(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "-").to_ascii_lowercase()
}

fuzz_target!(|input: Input<'_>| {
    let mut headers = HeaderMap::new();
    for (name, value) in &input.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let Ok(key) = HeaderName::from_bytes(input.key) else { return };
    let direction = if input.is_response { Direction::Response } else { Direction::Request };
    let keep = HeaderName::from_bytes(input.keep).ok();
    let policy = HeaderPolicy {
        key: key.clone(),
        unknown: if input.is_strict { Unknown::Drop } else { Unknown::Pass },
        keep: keep.iter().map(|name| (direction, name.clone())).collect(),
    };
    let before = headers.clone();
    let dropped = filter(&mut headers, direction, &policy);

    for (name, value) in &headers {
        assert_ne!(*name, key, "the key's own header");
        let is_kept = keep.as_ref() == Some(name);
        assert!(is_kept || !KEYS.contains(&&*as_variable(name.as_str())), "{name}");
        assert!(before.get_all(name).iter().any(|sent| sent == value), "{name} was changed");
    }
    for name in dropped {
        assert!(!headers.contains_key(&name.name) && before.contains_key(&name.name));
    }
    let passed = headers.clone();
    assert!(filter(&mut headers, direction, &policy).is_empty(), "passed once");
    assert_eq!(headers, passed);
});
