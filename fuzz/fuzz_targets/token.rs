//! Laws of the token format: what is parsed is made of the parts that are found in it, from its end; a text that
//! differs in one byte is no token; a secret is in no message.
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
        Err(why) => assert!(why.to_string().len() < 200),
    }
});
