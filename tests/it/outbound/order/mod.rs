//! Other layers, outside and inside this one. Each test is a row of
//! `docs/guide/limits-and-retries.md`.

mod limits;
mod redirects;
mod retries;
mod traces;

use http::StatusCode;
use tower::{Service, ServiceExt};

use super::World;

pub(super) const ELSEWHERE: &str = "https://elsewhere.example.com/v1/models";

/// Returns the keys that the upstream got, in order.
fn sent(world: &World) -> Vec<String> {
    let seen = world.seen();
    seen.iter().map(|seen| seen.key().to_owned()).collect()
}

/// Sends the request through the same instance each time.
async fn status<S, R, B>(client: &mut S, request: R) -> StatusCode
where
    S: Service<R, Response = http::Response<B>, Error: std::fmt::Debug>,
{
    let ready = client.ready().await.unwrap();
    ready.call(request).await.unwrap().status()
}
