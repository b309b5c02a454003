//! The two bodies of a request, without a client.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready};
use tower::BoxError;
use tower_rotating_auth::outbound::replay::{
    BufferBody, Replay, ReplayBody, SavedBody, SupersededError,
};

use crate::support::{Broken, Fed, Feed, feed, watched};

type Polled = Poll<Option<Result<Frame<Bytes>, BoxError>>>;

const MANY: BufferBody = BufferBody::new(1024 * 1024);

/// The first attempt's body, in a task that records wakes, and what is saved of it.
fn save<B>(buffer: BufferBody, body: B) -> (Spawn<ReplayBody<B>>, SavedBody<B>)
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    let (first, saved) = buffer.save(body);
    (spawn(first), saved.unwrap())
}

fn poll<B>(body: &mut Spawn<ReplayBody<B>>) -> Polled
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    body.enter(|cx, body| body.poll_frame(cx))
}

fn data(polled: Polled) -> Bytes {
    let frame = assert_ready!(polled).unwrap().unwrap();
    frame.into_data().unwrap()
}

fn error(polled: Polled) -> BoxError {
    assert_ready!(polled).unwrap().unwrap_err()
}

async fn whole<B>(body: B) -> (Bytes, Option<HeaderMap>)
where
    B: Body<Data = Bytes, Error = BoxError>,
{
    let whole = body.collect().await.unwrap();
    let trailers = whole.trailers().cloned();
    (whole.to_bytes(), trailers)
}

/// A body of five pieces, long and short, and trailers.
fn five() -> Fed {
    let (feed, body) = feed(None);
    for (length, byte) in [
        (3, b'a'),
        (20_000, b'b'),
        (1, b'c'),
        (1, b'd'),
        (10_000, b'e'),
    ] {
        feed.data(vec![byte; length]);
    }
    feed.trailer("checksum", "7");
    body
}

#[tokio::test]
async fn replay_sends_the_whole_body() {
    let (expected, trailers) = whole(five().map_err(BoxError::from)).await;
    for taken in 0..=7 {
        let (mut first, saved) = save(MANY, five());
        for _ in 0..taken {
            let _ = assert_ready!(poll(&mut first));
        }
        let second = MANY.restore(saved).unwrap();
        assert!(error(poll(&mut first)).is::<SupersededError>(), "{taken}");
        assert_eq!(whole(second).await, (expected.clone(), trailers.clone()));
        assert!(error(poll(&mut first)).is::<SupersededError>(), "{taken}");
    }
}

#[tokio::test]
async fn taken_over_body_wakes_first_attempt() {
    let (feed, body) = feed(None);
    let (mut first, saved) = save(MANY, body);
    assert_pending!(poll(&mut first));
    feed.data("one");
    assert!(first.is_woken());
    assert_eq!(data(poll(&mut first)), "one");
    assert_pending!(poll(&mut first));

    let second = MANY.restore(saved).unwrap();
    assert!(first.is_woken());
    assert!(error(poll(&mut first)).is::<SupersededError>());
    feed.data("two");
    drop(feed);
    assert_eq!(whole(second).await.0, "onetwo");
}

#[test]
fn both_attempts_report_same_length_and_end() {
    let size = |body: &ReplayBody<Fed>| {
        let hint = body.size_hint();
        (hint.lower(), hint.upper(), body.is_end_stream())
    };
    let pieces = ["one", "twotwo", "three"];
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    for length in [None, Some(length as u64)] {
        for taken in 0..=pieces.len() {
            let (feed, body) = feed(length);
            pieces.iter().for_each(|piece| feed.data(*piece));
            let (mut first, saved) = save(MANY, body);
            let new = size(&first);
            assert_eq!(new, (length.unwrap_or(0), length, false));
            for _ in 0..taken {
                data(poll(&mut first));
            }
            let left = pieces[taken..].iter().map(|piece| piece.len() as u64);
            let left = length.map(|_| left.sum());
            let end = left == Some(0);
            assert_eq!(size(&first), (left.unwrap_or(0), left, end));

            let mut second = spawn(MANY.restore(saved).unwrap());
            assert_eq!(size(&second), new);
            let mut sent = 0;
            while let Poll::Ready(frame) = poll(&mut second) {
                sent += frame.unwrap().unwrap().into_data().unwrap().len() as u64;
                match length {
                    Some(length) => {
                        let left = length - sent;
                        assert_eq!(size(&second), (left, Some(left), left == 0));
                        if left == 0 {
                            break;
                        }
                    }
                    None => assert!(!second.is_end_stream()),
                }
            }
            drop(feed);
            assert!(assert_ready!(poll(&mut second)).is_none());
        }
    }
}

#[tokio::test]
async fn empty_body_is_empty_on_both_attempts() {
    let (first, saved) = save(MANY, Empty::<Bytes>::new());
    let second = MANY.restore(saved).unwrap();
    for body in [first.into_inner(), second, ReplayBody::default()] {
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
        assert_eq!(whole(body).await, (Bytes::new(), None));
    }
}

#[tokio::test]
async fn limit_is_exact_to_the_byte() {
    for (limit, again) in [(9, true), (8, false), (0, false)] {
        let buffer = BufferBody::new(limit);
        let (feed, body) = feed(None);
        for piece in ["one", "two", "six", "ten"] {
            feed.data(piece);
        }
        feed.trailer("checksum", "7");
        drop(feed);
        let (mut first, saved) = save(buffer, body);
        for piece in ["one", "two", "six"] {
            assert_eq!(data(poll(&mut first)), piece);
        }
        let saved = buffer.pause(saved);
        assert_eq!(saved.is_some(), again, "{limit}");
        let (body, sent) = match saved.and_then(|saved| buffer.restore(saved)) {
            Some(second) => (second, "onetwosixten"),
            None => (first.into_inner(), "ten"),
        };
        let (body, trailers) = whole(body).await;
        assert_eq!(body, sent);
        assert_eq!(trailers.unwrap()["checksum"], "7");
    }
    let nothing = BufferBody::new(0);
    let (_first, saved) = save(nothing, Full::new(Bytes::from("unsent")));
    let second = nothing.restore(saved).unwrap();
    assert_eq!(whole(second).await.0, "unsent");
}

#[test]
fn recording_is_freed_without_replay() {
    let long = || watched(vec![b'x'; 16 * 1024]);
    let send = |feed: &Feed, first: &mut Spawn<ReplayBody<Fed>>| {
        let (piece, kept) = long();
        feed.data(piece);
        data(poll(first));
        move || Arc::strong_count(&kept) > 1
    };
    let (feed_it, body) = feed(None);
    let (mut first, saved) = save(MANY, body);
    let kept = send(&feed_it, &mut first);
    assert!(kept());
    drop(saved);
    assert!(!kept());
    let kept = send(&feed_it, &mut first);
    assert!(!kept(), "although the answer was known");

    let (feed_it, body) = feed(None);
    let buffer = BufferBody::new(24 * 1024);
    let (mut first, _saved) = save(buffer, body);
    let kept = send(&feed_it, &mut first);
    assert!(kept());
    let kept_too = send(&feed_it, &mut first);
    assert!(!kept() && !kept_too(), "beyond the limit");

    let (feed_it, body) = feed(None);
    let mut passed = spawn(MANY.pass(body));
    let kept = send(&feed_it, &mut passed);
    assert!(!kept(), "of a request that is sent once");
}

#[test]
fn replay_frees_what_it_has_sent() {
    let (feed, body) = feed(None);
    let (mut first, saved) = save(MANY, body);
    let (piece, kept) = watched(vec![b'x'; 16 * 1024]);
    feed.data(piece);
    data(poll(&mut first));
    let mut second = spawn(MANY.restore(saved).unwrap());
    data(poll(&mut second));
    assert_eq!(Arc::strong_count(&kept), 1);
}

#[test]
fn short_piece_does_not_retain_its_buffer() {
    for length in [7, 1024, 8191] {
        let (feed, body) = feed(None);
        let (mut first, _saved) = save(MANY, body);
        let (buffer, kept) = watched(vec![b'x'; 64 * 1024]);
        for _ in 0..100 {
            feed.data(buffer.slice(..length));
            data(poll(&mut first));
        }
        drop(buffer);
        assert_eq!(Arc::strong_count(&kept), 1, "pieces of {length} bytes");
    }
}

#[test]
fn rejection_pauses_until_replay_is_decided() {
    let (feed, body) = feed(None);
    let (mut first, saved) = save(MANY, body);
    feed.data("one");
    assert_eq!(data(poll(&mut first)), "one");
    assert_pending!(poll(&mut first));

    let saved = MANY.pause(saved).unwrap();
    feed.data("two");
    assert!(first.is_woken());
    assert_pending!(poll(&mut first));
    assert!(!first.is_woken());
    drop(saved);
    assert!(first.is_woken());
    assert_eq!(data(poll(&mut first)), "two");
}

#[tokio::test]
async fn paused_body_can_be_taken_over() {
    let (feed, body) = feed(None);
    let (mut first, saved) = save(MANY, body);
    let saved = MANY.pause(saved).unwrap();
    feed.data("one");
    drop(feed);
    assert_pending!(poll(&mut first));
    let second = MANY.restore(saved).unwrap();
    assert!(first.is_woken());
    assert!(error(poll(&mut first)).is::<SupersededError>());
    assert_eq!(whole(second).await.0, "one");
}

#[test]
fn failed_body_is_not_replayed() {
    let (feed, body) = feed(None);
    feed.data("one");
    feed.fail();
    let (mut first, saved) = save(MANY, body);
    data(poll(&mut first));
    assert_eq!(
        *error(poll(&mut first)).downcast::<Broken>().unwrap(),
        Broken
    );
    assert!(MANY.restore(saved).is_none());
}

#[test]
fn error_after_rejection_reaches_replay() {
    let (feed, body) = feed(None);
    feed.data("one");
    feed.fail();
    let (mut first, saved) = save(MANY, body);
    data(poll(&mut first));
    let mut second = spawn(MANY.restore(saved).unwrap());
    assert_eq!(data(poll(&mut second)), "one");
    assert!(error(poll(&mut second)).is::<Broken>());
}

#[test]
fn frames_after_trailers_prevent_replay() {
    let (feed, body) = feed(None);
    feed.trailer("checksum", "7");
    feed.data("more");
    let (mut first, saved) = save(MANY, body);
    assert!(
        assert_ready!(poll(&mut first))
            .unwrap()
            .unwrap()
            .is_trailers()
    );
    assert_eq!(data(poll(&mut first)), "more");
    assert!(MANY.restore(saved).is_none());
}

#[test]
fn panicking_body_is_not_replayed() {
    struct Panics;
    impl Body for Panics {
        type Data = Bytes;
        type Error = Broken;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
            panic!("what was read is lost")
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(1)
        }
    }
    let (mut first, saved) = save(MANY, Panics);
    catch_unwind(AssertUnwindSafe(|| poll(&mut first))).unwrap_err();
    assert!(MANY.restore(saved).is_none());
}

#[test]
fn send_body_becomes_sync() {
    fn check<T: Send + Sync + Unpin>() {}
    check::<ReplayBody<Fed>>();
    check::<SavedBody<Fed>>();
}
