//! What is not read: other responses, bytes behind the limit, and whatever comes too late.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use tokio::time::Instant;
use tower_rotating_auth::outbound::adapter::Verdict;

use super::{Step, Steps, asked, json, layer, through};
use crate::support::{millis, secs};

/// A body that hangs at once, so that a layer that read it would wait.
fn untouchable() -> Steps {
    Steps::new([Step::Hang])
}

#[tokio::test(start_paused = true)]
async fn other_statuses_are_not_read() {
    let start = Instant::now();
    for status in 100..=599 {
        if status == 400 {
            continue;
        }
        let mut response = json(untouchable());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let response = through(layer(), response).await;
        assert!(response.extensions().is_empty());
    }
    assert_eq!((start.elapsed(), asked().len()), (secs(0), 0));
}

#[tokio::test(start_paused = true)]
async fn other_types_and_encodings_are_not_read() {
    let start = Instant::now();
    for (name, value) in [
        (CONTENT_TYPE, "text/html"),
        (CONTENT_TYPE, "text/event-stream"),
        (CONTENT_TYPE, ""),
        (CONTENT_ENCODING, "gzip"),
        (CONTENT_ENCODING, "br, gzip"),
    ] {
        let mut response = json(untouchable());
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
        through(layer(), response).await;
    }
    let mut response = json(untouchable());
    response.headers_mut().remove(CONTENT_TYPE);
    through(layer(), response).await;
    assert_eq!((start.elapsed(), asked().len()), (secs(0), 0));
}

#[tokio::test(start_paused = true)]
async fn endless_body_holds_the_response_for_a_second() {
    for (layer, time) in [
        (layer(), secs(1)),
        (layer().read_timeout(millis(250)), millis(250)),
    ] {
        for (text, verdict) in [("wrong key", Some(Verdict::Rejected)), ("wrong", None)] {
            let start = Instant::now();
            let steps = [Step::Data(text.into()), Step::Wait, Step::Hang];
            let response = through(layer, json(Steps::new(steps))).await;
            assert_eq!(start.elapsed(), time);
            assert_eq!(response.extensions().get().copied(), verdict, "{text}");
            assert_eq!(asked(), [text.as_bytes()]);
            let mut body = response.into_body();
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), text);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_byte_is_polled_behind_the_limit() {
    let piece = || Step::Data(vec![b'x'; 3000]);
    // The third piece passes the limit. A layer that read on would hang until its time is over.
    let start = Instant::now();
    let steps = [piece(), piece(), piece(), Step::Hang];
    let response = through(layer(), json(Steps::new(steps))).await;
    assert_eq!(start.elapsed(), secs(0));
    assert_eq!(asked().iter().map(Vec::len).collect::<Vec<_>>(), [8192]);
    let mut body = response.into_body();
    let mut lengths = Vec::new();
    for _ in 0..2 {
        let frame = body.frame().await.unwrap().unwrap();
        lengths.push(frame.into_data().unwrap().len());
    }
    assert_eq!(lengths, [8192, 808]);
}

#[tokio::test(start_paused = true)]
async fn empty_pieces_count() {
    let steps = (0..100_000).map(|_| Step::Data(Vec::new()));
    let response = through(layer(), json(Steps::new(steps))).await;
    assert_eq!(asked(), [b""]);
    let whole = response.into_body().collect().await.unwrap();
    assert!(whole.to_bytes().is_empty());
}
