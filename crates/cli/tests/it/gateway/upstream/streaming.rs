//! Server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::response::sse::{Event, Sse};
use http::StatusCode;
use tokio::sync::{Mutex, mpsc};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::gateway::harness::{Gateway, serve, soon};

/// An upstream with one stream, whose events are sent when the test says so.
pub(crate) async fn held_stream() -> (std::net::SocketAddr, mpsc::UnboundedSender<&'static str>) {
    let (sender, events) = mpsc::unbounded_channel();
    let events = Arc::new(Mutex::new(Some(events)));
    let app = Router::new().fallback(async move || {
        let events = events.lock().await.take().unwrap();
        let events = UnboundedReceiverStream::new(events);
        Sse::new(events.map(|text| Ok::<_, Infallible>(Event::default().data(text))))
    });
    (serve(app).await, sender)
}

#[tokio::test]
async fn stream_events_are_not_buffered() {
    let (upstream, events) = held_stream().await;
    let gateway = Gateway::before(upstream).await;
    let mut answer = soon(reqwest::get(gateway.url("/v1/chat/completions")))
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    for text in ["one", "two", "[DONE]"] {
        events.send(text).unwrap();
        let chunk = soon(answer.chunk()).await.unwrap().unwrap();
        assert_eq!(chunk, format!("data: {text}\n\n"));
    }
    drop(events);
    assert_eq!(soon(answer.chunk()).await.unwrap(), None);
}

#[tokio::test]
async fn client_disconnect_ends_upstream_stream() {
    let (upstream, events) = held_stream().await;
    let gateway = Gateway::before(upstream).await;
    let mut answer = soon(reqwest::get(gateway.url("/v1/chat/completions")))
        .await
        .unwrap();
    events.send("one").unwrap();
    soon(answer.chunk()).await.unwrap();
    drop(answer);
    soon(events.closed()).await;
}
