//! What is recorded on a caller's span.

use tower::Layer;
use tower_rotating_auth::outbound::InjectKeyLayer;
use tracing::Instrument;

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
