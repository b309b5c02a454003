//! What an answer says about the key, seen through the layer.

mod challenges;
mod rules;
mod statuses;

use std::convert::Infallible;
use std::future::ready;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use tower::{Layer, service_fn};
use tower_rotating_auth::{
    Secret,
    outbound::{Credential, InjectKeyLayer, Outcome, RotatingCredential},
};

use super::{ORIGIN, URL, get};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Says {
    Rejected,
    Proven,
    Nothing,
}

fn bearer(key: &str) -> Credential {
    Credential::bearer(&Secret::from(key)).unwrap()
}

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let lines = lines.iter().map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    lines.collect()
}

fn response(status: StatusCode, headers: &HeaderMap) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = status;
    *response.headers_mut() = headers.clone();
    response
}

/// Returns what a response to a request with a bearer key says about the key.
async fn says(status: StatusCode, headers: &HeaderMap) -> Says {
    says_to(bearer, |inject| inject, response(status, headers)).await
}

/// Returns what a response says about a new key, the way that the layer takes it.
async fn says_to(
    credential: fn(&str) -> Credential,
    configure: impl Fn(InjectKeyLayer) -> InjectKeyLayer,
    response: Response<String>,
) -> Says {
    let (key, mut publisher) = RotatingCredential::manual(credential("old"));
    let inject = configure(InjectKeyLayer::new(ORIGIN, key.clone()).unwrap());
    let accepts = service_fn(|_| ready(Ok::<_, Infallible>(Response::new(String::new()))));
    let proof = inject.layer(accepts).oneshot(get(URL)).await.unwrap();
    assert_eq!(proof.status(), StatusCode::OK);

    publisher.publish(credential("new"));
    assert!(!key.current().evidence().is_proven());
    let answers = service_fn(move |_| ready(Ok::<_, Infallible>(response.clone())));
    let answer = inject.layer(answers).oneshot(get(URL)).await.unwrap();
    if answer.extensions().get::<Outcome>().is_some() {
        return Says::Rejected;
    }
    if key.current().evidence().is_proven() {
        Says::Proven
    } else {
        Says::Nothing
    }
}
