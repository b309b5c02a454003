//! Laws of the answers of a token endpoint: whatever it says, the source delivers a key or a typed
//! error, and the error shows nothing of the answer.
#![no_main]

use std::convert::Infallible;

use arbitrary::Arbitrary;
use http::Response;
use libfuzzer_sys::fuzz_target;
use tower::service_fn;
use tower_rotating_auth::{
    Rotating,
    source::{ClientAuth, HttpClient, OAuth2Source},
};

#[derive(Arbitrary, Debug)]
struct Answer {
    status: u16,
    retry_after: Option<u16>,
    body: String,
}

fuzz_target!(|answer: Answer| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without input and output");
    runtime.block_on(check(answer));
});

async fn check(answer: Answer) {
    let (status, body) = (100 + answer.status % 500, answer.body.clone());
    let client = HttpClient::new(service_fn(move |_| {
        let mut response = Response::new(body.clone());
        *response.status_mut() = status.try_into().expect("it has three digits");
        if let Some(seconds) = answer.retry_after {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        async move { Ok::<_, Infallible>(response) }
    }));
    let source = OAuth2Source::client_credentials(
        "https://id.example.com/token",
        "batch",
        ClientAuth::none(),
    );
    let source = source.expect("it is https").client(client);
    match Rotating::start(source).await {
        Ok(key) => assert!(!key.current().expose_secret().is_empty()),
        Err(error) => {
            let text = format!("{error:?}");
            let words = answer.body.split(|c: char| !c.is_ascii_alphanumeric());
            for word in words.filter(|word| word.len() >= 24) {
                assert!(!text.contains(word), "{text}");
            }
        }
    }
}
