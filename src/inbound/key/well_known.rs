//! Keys that protect nothing: examples, placeholders, and what is too weak to be a key.

use std::sync::LazyLock;

use super::digest::KeyDigest;

/// Keys that documentation and examples use, and that clients send where no key is needed.
///
/// A set compares the digest of each of its keys with all of these, in constant time. Measured by
/// itself, that takes 0.04 µs a key, of the 0.4 to 1 µs that a key takes to be added to a set
/// (`cargo bench --bench key_set`, the line `key set: built`). A hash table would save nothing.
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
    // The test vector of the key format of this crate.
    "trk_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ0oSYWS",
];

/// The least entropy that is safe without a slow hash, in bits.
const ENOUGH: usize = 128;

impl KeyDigest {
    /// Returns whether this is the digest of a well-known key, spelled exactly as in [`KEYS`].
    pub(crate) fn is_well_known(&self) -> bool {
        digests().contains(self)
    }
}

fn digests() -> &'static [KeyDigest] {
    static DIGESTS: LazyLock<[KeyDigest; KEYS.len()]> =
        LazyLock::new(|| KEYS.map(|key| KeyDigest::of(key.as_bytes())));
    &*DIGESTS
}

/// Returns whether everybody knows this key, in any case.
pub(crate) fn is_well_known(key: &[u8]) -> bool {
    KEYS.iter()
        .any(|known| known.as_bytes().eq_ignore_ascii_case(key))
}

/// Returns whether a key can have 128 random bits, by its length, its alphabet and its variety.
///
/// A passphrase that a person made up can pass; a key that cannot be strong does not.
pub(crate) fn may_be_strong(key: &[u8]) -> bool {
    // A hexadecimal digit has 4 bits, any other letter or digit 5.9.
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
    fn weak_and_well_known_keys_are_recognised() {
        assert!(may_be_strong(b"0123456789abcdef0123456789abcdef"));
        assert!(may_be_strong(b"8Zk1tQ0mVd7RyXw3LpHs5N"));
        assert!(!may_be_strong(b"8Zk1tQ0mVd7RyXw3LpHs5"));
        assert!(!may_be_strong(b"0123456789abcdef0123456789abcde"));
        assert!(!may_be_strong(&[b'a'; 64]));
        assert!(is_well_known(b"CHANGEME") && !is_well_known(b"8Zk1tQ0mVd7RyXw3LpHs5N"));
    }
}
