//! Keys that protect nothing: examples, defaults, and what is too short to be a key.

use std::sync::LazyLock;

use super::digest::KeyDigest;

/// What documentation, examples and clients that need no key put where a key should be.
const KEYS: [&str; 21] = [
    "sk-1234",
    "sk-123456",
    "sk-xxxx",
    "sk-test",
    "changeme",
    "change-me",
    "test",
    "testing",
    "password",
    "secret",
    "admin",
    "EMPTY",
    "none",
    "null",
    "undefined",
    "not-needed",
    "ollama",
    "lm-studio",
    "your-api-key",
    "no-key-required",
    // The test vector of the format that keys have here.
    "trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ0oSYWS",
];

/// The entropy that a key must have to be safe without a slow hash, in bits.
const ENOUGH: usize = 128;

impl KeyDigest {
    /// Returns whether this is the digest of a key that everybody knows.
    pub(crate) fn is_well_known(&self) -> bool {
        digests().contains(self)
    }
}

fn digests() -> &'static [KeyDigest] {
    static DIGESTS: LazyLock<[KeyDigest; KEYS.len()]> =
        LazyLock::new(|| KEYS.map(|key| KeyDigest::of(key.as_bytes())));
    &*DIGESTS
}

pub(crate) fn is_well_known(key: &[u8]) -> bool {
    KEYS.iter()
        .any(|known| known.as_bytes().eq_ignore_ascii_case(key))
}

/// Whether a key may be as strong as 128 random bits: by its length, its alphabet and its variety. A
/// person's phrase can pass; what cannot be strong does not.
pub(crate) fn may_be_strong(key: &[u8]) -> bool {
    let tenths_of_a_bit = if key.iter().all(u8::is_ascii_hexdigit) {
        40
    } else {
        59
    };
    let mut seen = [false; 256];
    for byte in key {
        seen[usize::from(*byte)] = true;
    }
    let variety = seen.iter().filter(|seen| **seen).count();
    key.len() * tenths_of_a_bit >= ENOUGH * 10 && variety >= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_a_dull_and_a_known_key_are_told_from_a_strong_one() {
        assert!(may_be_strong(b"0123456789abcdef0123456789abcdef"));
        assert!(may_be_strong(b"8Zk1tQ0mVd7RyXw3LpHs5N"));
        assert!(!may_be_strong(b"8Zk1tQ0mVd7RyXw3LpHs5"));
        assert!(!may_be_strong(b"0123456789abcdef0123456789abcde"));
        assert!(!may_be_strong(&[b'a'; 64]));
        assert!(is_well_known(b"CHANGEME") && !is_well_known(b"8Zk1tQ0mVd7RyXw3LpHs5N"));
    }
}
