//! Helpers that the tests of sources share.

pub(crate) mod server;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_rotating_auth::{
    Rotating, Secret,
    rotating::StartError,
    source::{HttpClient, RequestBody, Source, SourceErrorKind},
};

use crate::support::{millis, start_kind};

/// Starts a source whose fetches may take a second.
pub(crate) async fn start(
    source: impl Source<Value = Secret>,
) -> Result<Rotating<Secret>, StartError> {
    let builder = Rotating::builder().fetch_timeout(millis(1_000));
    builder.min_interval(millis(1)).start(source).await
}

pub(crate) fn text(key: &Rotating<Secret>) -> String {
    String::from_utf8(key.current().expose_secret().to_vec()).unwrap()
}

pub(crate) async fn key_of(source: impl Source<Value = Secret>) -> String {
    text(&start(source).await.expect("the source delivers"))
}

pub(crate) async fn failure_of(source: impl Source<Value = Secret>) -> SourceErrorKind {
    let error = start(source).await.expect_err("there is no key");
    start_kind(&error).expect("the source failed")
}

/// Creates a client that answers by itself, for virtual time.
pub(crate) fn answers(
    answer: impl FnMut(Request<RequestBody>) -> Response<String> + Send + 'static,
) -> HttpClient {
    let answer = Arc::new(Mutex::new(answer));
    HttpClient::new(tower::service_fn(move |request| {
        let mut answer = answer.lock().unwrap_or_else(PoisonError::into_inner);
        let response = answer(request).map(|body| Full::new(Bytes::from(body)));
        async move { Ok::<_, Infallible>(response) }
    }))
}

/// Returns an answer for [`answers`].
pub(crate) fn says(status: u16, body: impl Into<String>) -> Response<String> {
    let response = Response::builder().status(status);
    response.body(body.into()).unwrap()
}
