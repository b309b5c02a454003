//! Secrecy: no key shows in a `Debug`, error, extension or trace of the outbound half.

use std::error::Error;

use http::HeaderName;
use tower::{Layer, Service, ServiceExt};
use tower_rotating_auth::{
    Secret,
    outbound::{Credential, InjectKeyLayer, Outcome, RotatingCredential},
};

use super::{ORIGIN, URL, World, get};
use crate::support::Traced;

const SENTINEL: &str = "sentinel-7f3a9c51";

fn assert_silent(what: &str, text: &str) {
    assert!(!text.contains(SENTINEL), "{what}: {text}");
}

#[tokio::test(start_paused = true)]
async fn key_is_in_no_debug_extension_or_trace() {
    let traced = Traced::new();
    let world = World::new(SENTINEL);
    let key = world.key().await;
    let inject = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let mut client = inject.clone().layer(world.upstream());
    let once = inject.clone().without_replay();

    assert_silent(
        "key",
        &format!("{key:?} {:?} {:?}", key.current(), key.status()),
    );
    assert_silent("layer", &format!("{inject:#?} {once:#?}"));
    let name = HeaderName::from_static("x-api-key");
    let bare = Credential::header(name, &Secret::from(SENTINEL)).unwrap();
    assert_silent("credential", &format!("{bare:?} {:?}", bare.value()));
    assert_silent(
        "publisher",
        &format!("{:?}", RotatingCredential::manual(bare)),
    );

    world.accept("another");
    let answer = client.ready().await.unwrap().call(get(URL));
    assert_silent("future", &format!("{answer:?}"));
    let rejected = answer.await.unwrap();
    let outcome: &Outcome = rejected.extensions().get().unwrap();
    assert_silent("outcome", &format!("{outcome:?}"));

    world.rotate(&format!("{SENTINEL}-2"));
    key.refresh().await.unwrap();
    client.ready().await.unwrap().call(get(URL)).await.unwrap();
    assert!(
        world
            .seen()
            .iter()
            .all(|seen| seen.headers["authorization"].is_sensitive())
    );
    assert_silent("request", &format!("{:?}", world.seen()[0].headers));

    let log = traced.text();
    assert!(log.contains("rotated"), "{log}");
    assert_silent("trace", &log);
}

#[tokio::test(start_paused = true)]
async fn invalid_key_error_shows_no_byte_of_it() {
    for not_a_key in ["two words", "é", "{{ template }}", "Bearer twice"] {
        let source = tower_rotating_auth::source::source_fn(move || async move {
            let text = format!("{not_a_key}{SENTINEL}");
            Ok::<_, tower_rotating_auth::source::SourceError>(Secret::from(text))
        });
        let source = tower_rotating_auth::outbound::IntoCredential::bearer(source);
        let error = RotatingCredential::start(source).await.unwrap_err();
        let mut text = format!("{error} {error:?}");
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(&error.to_string());
            cause = error.source();
        }
        assert_silent(not_a_key, &text);
    }
}
