//! tower-http's `Trace`, which logs every header here.

use http::{Request, StatusCode};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

use super::super::{World, post};
use crate::support::Traced;

fn everything() -> TraceLayer<SharedClassifier<ServerErrorsAsFailures>> {
    let span = DefaultMakeSpan::new().level(Level::INFO);
    let response = DefaultOnResponse::new().level(Level::INFO);
    TraceLayer::new_for_http()
        .make_span_with(span.include_headers(true))
        .on_response(response.include_headers(true))
}

/// Returns the trace of a request that is rejected once and has a header of its caller.
async fn traced(order: Order) -> String {
    let traced = Traced::new();
    let world = World::new("sk-SENTINEL-1");
    let inject = world.inject().await;
    world.rotate("sk-SENTINEL-2");
    let mut request: Request<String> = post("body");
    request
        .headers_mut()
        .insert("x-tenant", "acme".parse().unwrap());
    let status = match order {
        Order::Outside => {
            let client = ServiceBuilder::new().layer(everything()).layer(inject);
            let client = client.service(world.upstream());
            client.oneshot(request).await.unwrap().status()
        }
        Order::Inside => {
            let client = ServiceBuilder::new().layer(inject).layer(everything());
            let client = client.service(world.upstream());
            client.oneshot(request).await.unwrap().status()
        }
    };
    assert_eq!(status, StatusCode::OK);
    let text = traced.text();
    assert!(text.contains("acme"), "headers are traced: {text}");
    assert!(!text.contains("SENTINEL"), "{text}");
    text
}

#[derive(Clone, Copy)]
enum Order {
    Outside,
    Inside,
}

fn answers(text: &str) -> usize {
    text.matches("finished processing request").count()
}

#[tokio::test(start_paused = true)]
async fn outer_trace_has_one_span_and_no_key() {
    let text = traced(Order::Outside).await;
    assert_eq!(answers(&text), 1, "{text}");
    assert!(!text.contains("authorization"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn inner_trace_has_a_span_per_attempt() {
    let text = traced(Order::Inside).await;
    assert_eq!(answers(&text), 2, "{text}");
    assert!(text.contains("\"authorization\": Sensitive"), "{text}");
}
