//! Laws of the key's validity check. A valid key is a header value of visible ASCII, found within
//! the input. `Debug` output does not depend on the key, an error is short, and checking a valid
//! key again changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_rotating_auth::{Secret, outbound::Credential};

fuzz_target!(|bytes: &[u8]| {
    let given = Secret::new(bytes.to_vec());
    match Credential::bearer(&given) {
        Ok(credential) => {
            let value = credential.value();
            let key = value.as_bytes().strip_prefix(b"Bearer ").expect("the scheme comes first");
            assert!(!key.is_empty() && key.iter().all(u8::is_ascii_graphic));
            assert!(bytes.windows(key.len()).any(|window| window == key));
            assert!(value.is_sensitive());
            let again = Credential::bearer(&Secret::new(key.to_vec()));
            assert_eq!(again.as_ref().map(Credential::value), Ok(value.clone()));
            let other = Credential::bearer(&Secret::from("another")).expect("a key");
            assert_eq!(format!("{credential:?}"), format!("{other:?}"));
        }
        Err(why) => {
            let text = why.to_string();
            assert!(text.is_ascii() && text.len() < 100);
        }
    }
});
