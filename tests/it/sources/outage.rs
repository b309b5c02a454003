//! Tests of outages of two hours, in virtual time: the last good key stays, and the source is asked
//! as the backoff says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::Response;
#[cfg(feature = "oauth2")]
use tower_rotating_auth::source::{ClientAuth, OAuth2Source};
#[cfg(feature = "vault")]
use tower_rotating_auth::source::{VaultAuth, VaultSource};
use tower_rotating_auth::{
    Rotating, Secret,
    source::{HttpClient, HttpSource, Source, SourceError, source_fn},
};

use super::support::{answers, says};
use crate::support::{minutes, pass, secs};

/// An endpoint that can be switched off.
#[derive(Clone, Default)]
struct Endpoint {
    is_down: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Endpoint {
    fn client(&self, up: fn(usize) -> Response<String>) -> HttpClient {
        let endpoint = self.clone();
        answers(move |_| {
            let number = endpoint.asked.fetch_add(1, Ordering::SeqCst) + 1;
            if endpoint.is_down.load(Ordering::SeqCst) {
                return says(500, "down");
            }
            up(number)
        })
    }

    fn count(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Lets the endpoint fail for two hours, then work again.
async fn survives(endpoint: Endpoint, source: impl Source<Value = Secret>) {
    let key = Rotating::start(source).await.expect("the endpoint works");
    let before = key.current();
    endpoint.is_down.store(true, Ordering::SeqCst);
    pass(minutes(60)).await;
    let so_far = endpoint.count();
    for _ in 0..60 {
        // What a request would send.
        assert_eq!(key.current().generation(), before.generation());
        pass(minutes(1)).await;
    }
    let asked = endpoint.count() - so_far;
    assert!((60..=130).contains(&asked), "{asked} attempts in an hour");

    endpoint.is_down.store(false, Ordering::SeqCst);
    let mut changes = key.subscribe();
    let since = tokio::time::Instant::now();
    changes.changed().await.expect("the task runs");
    assert!(since.elapsed() <= secs(61), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn http_outage_keeps_the_last_good_key() {
    let endpoint = Endpoint::default();
    let client = endpoint.client(|number| says(200, format!("sk-{number}")));
    let source = HttpSource::new("https://keys.example.com").unwrap();
    survives(endpoint, source.client(client)).await;
}

fn secret() -> impl Source<Value = Secret> {
    source_fn(|| async { Ok::<_, SourceError>(Secret::from("secret")) })
}

#[cfg(feature = "oauth2")]
#[tokio::test(start_paused = true)]
async fn oauth2_outage_keeps_the_last_good_token() {
    let endpoint = Endpoint::default();
    let client = endpoint.client(|number| {
        says(
            200,
            format!(r#"{{"access_token":"token-{number}","expires_in":60}}"#),
        )
    });
    let url = "https://id.example.com/token";
    let source = OAuth2Source::client_credentials(url, "batch", ClientAuth::basic(secret()));
    survives(endpoint, source.unwrap().client(client)).await;
}

#[cfg(feature = "vault")]
#[tokio::test(start_paused = true)]
async fn vault_outage_keeps_the_last_good_key() {
    let endpoint = Endpoint::default();
    let client = endpoint.client(|number| {
        let data = format!(r#"{{"data":{{"key":"sk-{number}"}},"metadata":{{}}}}"#);
        says(200, format!(r#"{{"data":{data}}}"#))
    });
    let auth = VaultAuth::token(secret());
    let source = VaultSource::kv2("https://vault.example.com", "secret", "openai", auth);
    survives(endpoint, source.unwrap().field("key").client(client)).await;
}
