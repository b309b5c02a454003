//! Answers of Vault.
#![no_main]

mod answer;

use libfuzzer_sys::fuzz_target;
use tower_rotating_auth::{
    Secret,
    source::{SourceError, VaultAuth, VaultSource, source_fn},
};

use self::answer::{Answer, check};

fuzz_target!(|case: (Answer, bool)| {
    let (answer, is_kv2) = case;
    check(&answer, |client| {
        let token = source_fn(|| async { Ok::<_, SourceError>(Secret::from("root")) });
        let auth = VaultAuth::token(token);
        let source = if is_kv2 {
            VaultSource::kv2("https://vault.example.com", "secret", "openai", auth)
        } else {
            VaultSource::read("https://vault.example.com", "database/creds/app", auth)
        };
        source.expect("these are paths").field("key").client(client)
    });
});
