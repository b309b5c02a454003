//! Laws of what a command prints: it has a key or it has none, reading it twice comes to the same,
//! a key is neither empty nor has white space around it, and an error shows nothing of the output.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_rotating_auth::source::{ExecFormat, Fetched};

fuzz_target!(|output: &[u8]| {
    for format in [
        ExecFormat::Text,
        ExecFormat::ExecCredential,
        ExecFormat::credential_process("/SecretAccessKey"),
    ] {
        match (format.parse(output), format.parse(output)) {
            (
                Ok(Fetched::Value { value, expires_at, .. }),
                Ok(Fetched::Value { value: again, expires_at: at_again, .. }),
            ) => {
                assert!(value == again && expires_at == at_again);
                let key = value.expose_secret();
                assert!(!key.is_empty() && key == key.trim_ascii());
            }
            (Err(error), Err(_)) => {
                let text = error.to_string();
                let words = output.split(|byte| !byte.is_ascii_alphanumeric());
                for word in words.filter(|word| word.len() >= 20) {
                    let word = String::from_utf8_lossy(word);
                    assert!(!text.contains(&*word), "{text}");
                }
            }
            twice => panic!("{twice:?}"),
        }
    }
});
