//! The fields of a caller's span.

use tower::Layer;
use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::{KeyDigest, KeyRecord, KeySet, RequireKeyLayer};
use tower_rotating_auth::outbound::InjectKeyLayer;
use tracing::Instrument;

use crate::audit::{status, with};
use crate::outbound::{ORIGIN, World, post};
use crate::support::Traced;

#[tokio::test(start_paused = true)]
async fn resend_count_is_on_the_span() {
    let traced = Traced::new();
    let world = World::new("first");
    let key = world.key().await;
    let inject = InjectKeyLayer::new(ORIGIN, key).unwrap();
    let call = || inject.layer(world.upstream()).oneshot(post("body"));
    let span = || tracing::info_span!("call", "http.request.resend_count" = tracing::field::Empty);

    let of_first = span();
    call().instrument(of_first.clone()).await.unwrap();
    of_first.in_scope(|| tracing::info!("sent once"));
    world.rotate("second");
    let of_second = span();
    call().instrument(of_second.clone()).await.unwrap();
    of_second.in_scope(|| tracing::info!("sent twice"));

    let text = traced.text();
    let line = |end| text.lines().find(|line| line.ends_with(end)).unwrap();
    assert!(!line("sent once").contains("resend_count"), "{text}");
    assert!(
        line("sent twice").contains("http.request.resend_count=1"),
        "{text}"
    );
}

#[tokio::test]
async fn hook_records_the_client_on_the_span() {
    const VALID: &str = "valid-8Zk1tQ0mVd7RyXw3LpHs5N";
    let traced = Traced::new();
    let (id, client) = ("k1".parse().unwrap(), "web".parse().unwrap());
    let record = KeyRecord::new(id, client, "".parse().unwrap());
    let keys = KeySet::new([(KeyDigest::of(VALID.as_bytes()), record)]).unwrap();
    let (keys, _publisher) = Rotating::manual(keys);
    let layer = RequireKeyLayer::new(keys).on_principal(|principal| {
        if let Some(key) = principal.key() {
            let span = tracing::Span::current();
            span.record("client", key.client().as_str());
            span.record("key_id", key.key_id().as_str());
        }
    });
    let call = async |token: &str| {
        use tracing::field::Empty;
        let span = tracing::info_span!("request", client = Empty, key_id = Empty);
        let request = status(&layer, with("/", token, "1"));
        let status = request.instrument(span.clone()).await;
        span.in_scope(|| tracing::info!("answered {status}"));
    };
    call(VALID).await;
    call("unknown-8Zk1tQ0mVd7RyXw3LpHs5N").await;
    let text = traced.text();
    let line = |end| text.lines().find(|line| line.ends_with(end)).unwrap();
    let served = line("answered 200");
    assert!(served.contains("client=\"web\" key_id=\"k1\""), "{text}");
    assert!(!line("answered 401").contains("key_id="), "{text}");
}
