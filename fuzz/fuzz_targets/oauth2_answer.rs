//! Answers of a token endpoint.
#![no_main]

mod answer;

use libfuzzer_sys::fuzz_target;
use tower_rotating_auth::source::{ClientAuth, OAuth2Source};

use self::answer::{Answer, check};

fuzz_target!(|answer: Answer| {
    check(&answer, |client| {
        let source = OAuth2Source::client_credentials(
            "https://id.example.com/token",
            "batch",
            ClientAuth::none(),
        );
        source.expect("it is https").client(client)
    });
});
