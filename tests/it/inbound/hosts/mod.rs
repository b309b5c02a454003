//! Tests of the layer in servers. Each behaves like the plain service.

#[cfg(feature = "axum")]
mod axum;
mod hyper;
mod tonic;

use std::fmt::Debug;

use http::Response;
use http_body::Body;
use http_body_util::BodyExt;

use super::layer::Answer;

/// Collects the body of a response that came over a wire.
async fn whole<B: Body<Error: Debug>>(response: Response<B>) -> Answer {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(body.to_vec()).unwrap())
}
