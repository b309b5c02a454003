//! The answers of an endpoint, and the law of every source that asks one: it delivers a key or a
//! typed error, and the error shows nothing of the answer.

use std::convert::Infallible;

use arbitrary::Arbitrary;
use http::Response;
use tower::service_fn;
use tower_rotating_auth::{
    Rotating, Secret,
    source::{HttpClient, Source},
};

#[derive(Arbitrary, Debug)]
pub struct Answer {
    status: u16,
    retry_after: Option<u16>,
    body: String,
}

/// Checks the source that asks an endpoint with this answer.
pub fn check<S: Source<Value = Secret>>(answer: &Answer, source: impl FnOnce(HttpClient) -> S) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without input and output");
    match runtime.block_on(Rotating::start(source(client(answer)))) {
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

fn client(answer: &Answer) -> HttpClient {
    let (status, body) = (100 + answer.status % 500, answer.body.clone());
    let retry_after = answer.retry_after;
    HttpClient::new(service_fn(move |_| {
        let mut response = Response::new(body.clone());
        *response.status_mut() = status.try_into().expect("it has three digits");
        if let Some(seconds) = retry_after {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        async move { Ok::<_, Infallible>(response) }
    }))
}
