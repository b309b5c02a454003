//! Other layers beside ours, outside and inside of it: what counts, what is safe, what is not. Each test is a
//! row of `docs/guide/limits-and-retries.md`.

mod limits;
mod redirects;
mod retries;
mod traces;

use http::StatusCode;
use tower::{Service, ServiceExt};

use super::World;

pub(super) const ELSEWHERE: &str = "https://elsewhere.example.com/v1/models";

/// The keys that the upstream was sent, in order.
fn sent(world: &World) -> Vec<String> {
    let seen = world.seen();
    seen.iter().map(|seen| seen.key().to_owned()).collect()
}

/// Sends the request through the very instance that was ready, as one caller does after another.
async fn status<S, R, B>(client: &mut S, request: R) -> StatusCode
where
    S: Service<R, Response = http::Response<B>, Error: std::fmt::Debug>,
{
    let ready = client.ready().await.unwrap();
    ready.call(request).await.unwrap().status()
}
