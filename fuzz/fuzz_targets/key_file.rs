//! Laws of the key file: whatever stands in it, it is a set of keys or it is not; what is wrong is
//! told without what stands there between quotation marks, and reading it twice comes to the same.
#![no_main]

use std::error::Error;

use libfuzzer_sys::fuzz_target;
use tower_rotating_auth::{Secret, inbound::KeySet};

fuzz_target!(|text: &str| {
    let secret = Secret::from(text);
    match (KeySet::parse(&secret), KeySet::parse(&secret)) {
        (Ok(set), Ok(again)) => assert!(set == again && !set.is_empty()),
        (Err(why), Err(_)) => {
            let mut text = why.to_string();
            let mut cause = why.source();
            while let Some(error) = cause {
                text += &error.to_string();
                cause = error.source();
            }
            for quoted in text.split('"').skip(1).step_by(2).filter(|quoted| quoted.len() >= 20) {
                assert!(!text.contains(quoted), "{text}");
            }
        }
        twice => panic!("{twice:?}"),
    }
});
