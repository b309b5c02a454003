//! Fuzzes the token format: a parsed token consists of its parts, a token with one changed byte
//! does not parse, and no error message contains a secret.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_rotating_auth::keyring::{NewKey, ParsedToken};

fuzz_target!(|bytes: &[u8]| {
    let parsed = ParsedToken::parse(bytes);
    assert!(parsed.is_err() || NewKey::has_checksum(bytes));
    match parsed {
        Ok(token) => {
            let head = format!("{}_{}_", token.prefix(), token.id());
            assert!(bytes.starts_with(head.as_bytes()));
            assert_eq!(bytes.len(), head.len() + 43 + 6);
            for at in 0..bytes.len() {
                let mut other = bytes.to_vec();
                other[at] ^= 1;
                assert!(ParsedToken::parse(&other).is_err());
            }
        }
        Err(error) => assert!(error.to_string().len() < 200),
    }
});
