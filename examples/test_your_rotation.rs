//! How to test that your application survives a rotation: a fake upstream, a channel, no waiting.
//!
//! ```console
//! cargo run --example test_your_rotation
//! ```
//!
//! In your project, the functions at the end are tests, under `#[tokio::test(start_paused =
//! true)]`. On a paused clock, tokio skips each wait as soon as nothing else is left to do.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::time::sleep;
use tower::{BoxError, ServiceBuilder};
use tower_rotating_auth::{
    RotatingAuthLayer, Secret,
    outbound::{InjectKeyLayer, IntoCredential, Outcome, RotatingCredential},
    source::{Sender, channel},
};

const URL: &str = "https://api.example.com/v1/models";

/// The application under test. Its key is a handle: production starts it from another source.
async fn models(upstream: &Upstream, key: &RotatingCredential) -> Result<Response<()>, BoxError> {
    let upstream = upstream.clone();
    let client = ServiceBuilder::new()
        .layer(RotatingAuthLayer::new().inject(InjectKeyLayer::new(URL, key.clone())?))
        .service_fn(move |request| upstream.clone().answer(request));
    let request = Request::get(URL).body(String::new())?;
    Ok(client.oneshot(request).await?)
}

/// A fake upstream, and the one key that it accepts.
#[derive(Clone, Default)]
struct Upstream(Arc<Mutex<String>>);

impl Upstream {
    fn accept(&self, key: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = format!("Bearer {key}");
    }

    async fn answer(self, request: Request<String>) -> Result<Response<()>, Infallible> {
        let accepted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut response = Response::new(());
        if request.headers()["authorization"] != *accepted {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        Ok(response)
    }
}

/// Starts a key that comes through a channel, and an upstream that accepts it.
async fn start() -> Result<(Upstream, Sender<Secret>, RotatingCredential), BoxError> {
    let upstream = Upstream::default();
    upstream.accept("sk-1");
    let (sender, source) = channel();
    sender.send(Secret::from("sk-1"));
    let key = RotatingCredential::start(source.bearer()).await?;
    assert_eq!(models(&upstream, &key).await?.status(), 200);
    Ok((upstream, sender, key))
}

async fn rotation_costs_no_request() -> Result<(), BoxError> {
    let (upstream, sender, key) = start().await?;
    upstream.accept("sk-2");
    tokio::spawn(async move {
        sleep(Duration::from_secs(2)).await; // the secret store is late; no real time passes
        sender.send(Secret::from("sk-2"));
    });
    let response = models(&upstream, &key).await?;
    assert_eq!(response.status(), 200);
    let outcome: Option<&Outcome> = response.extensions().get();
    assert!(outcome.is_some_and(Outcome::is_replayed), "{outcome:?}");
    Ok(())
}

async fn lost_key_is_reported() -> Result<(), BoxError> {
    let (upstream, _sender, key) = start().await?;
    upstream.accept("sk-2");
    let response = models(&upstream, &key).await?; // after `force_wait`, 5 s of paused time
    assert_eq!(response.status(), 401);
    let outcome: Option<&Outcome> = response.extensions().get();
    let reason = outcome.and_then(Outcome::not_replayed);
    assert!(reason.is_some(), "{outcome:?}");
    Ok(())
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), BoxError> {
    rotation_costs_no_request().await?;
    println!("a rotation costs no request");
    lost_key_is_reported().await?;
    println!("a key that is lost is reported");
    Ok(())
}
