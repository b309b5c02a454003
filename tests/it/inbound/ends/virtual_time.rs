//! The end of a key for bodies in both directions, in virtual time: at once, polled or not.

use std::convert::Infallible;
use std::error::Error;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::{
    GuardedBody, KeyEndedError, KeySet, KeyStatus, Principal, RequestBody, RequireKeyLayer,
};

use crate::inbound::keys::{ADMIN, VALID, record, set};
use crate::support::{Wall, millis, minutes, pass};

type Line = Result<Frame<Bytes>, Infallible>;

fn data(text: &'static str) -> Line {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn both() -> KeySet {
    set([(VALID, record("valid", "")), (ADMIN, record("admin", ""))])
}

fn without_valid() -> KeySet {
    set([
        (VALID, record("valid", "").into_revoked()),
        (ADMIN, record("admin", "")),
    ])
}

fn presenting<B>(body: B) -> Request<B> {
    let request = Request::post("/").header("authorization", format!("Bearer {VALID}"));
    request.body(body).unwrap()
}

/// Returns the response to a request with the key, whose body holds `held`.
async fn answer<T: Send + Sync + 'static>(
    keys: &Rotating<KeySet>,
    frames: impl Stream<Item = Line> + Send + 'static,
    held: Arc<T>,
) -> GuardedBody<impl Body<Data = Bytes, Error = Infallible>> {
    let frames = frames.map(move |frame| {
        let _held = &held;
        frame
    });
    let mut body = Some(StreamBody::new(frames));
    let host = service_fn(move |_: Request<_>| {
        let response = Response::new(body.take().unwrap());
        async { Ok::<_, Infallible>(response) }
    });
    let service = RequireKeyLayer::new(keys.clone()).layer(host);
    service
        .oneshot(presenting(String::new()))
        .await
        .unwrap()
        .into_body()
}

/// Returns how long a value lives on, up to a minute.
async fn gone(held: &Weak<()>) -> Duration {
    let began = Instant::now();
    while held.strong_count() > 0 && began.elapsed() < minutes(1) {
        pass(millis(1)).await;
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn body_that_nobody_polls_is_dropped_with_key() {
    let endless = || stream::repeat_with(|| data("x"));
    for polls in 0..4 {
        let (keys, mut publisher) = Rotating::manual(both());
        let held = Arc::new(());
        let watched = Arc::downgrade(&held);
        let mut body = Box::pin(answer(&keys, endless(), held).await);
        for _ in 0..polls {
            body.frame().await.unwrap().unwrap();
        }
        pass(minutes(60)).await;
        publisher.publish(both());
        pass(minutes(60)).await;
        assert_eq!(watched.strong_count(), 1, "a reload that keeps the key");
        publisher.publish(without_valid());
        assert!(gone(&watched).await <= millis(1), "after {polls} polls");
        let error = body.frame().await.unwrap().unwrap_err();
        let ended: &KeyEndedError = error.downcast_ref().unwrap();
        assert_eq!(ended.status(), KeyStatus::Revoked);
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn body_that_nobody_polls_is_dropped_on_expiry() {
    let wall = Wall::new();
    let record = record("valid", "").with_not_after(wall.now() + minutes(10));
    let builder = Rotating::builder().wall_clock(wall.reader());
    let (keys, _publisher) = builder.manual(set([(VALID, record)]));
    let held = Arc::new(());
    let watched = Arc::downgrade(&held);
    let _body = answer(&keys, stream::pending(), held).await;
    pass(minutes(10) - millis(1)).await;
    assert_eq!(watched.strong_count(), 1);
    assert!(gone(&watched).await <= millis(100));
}

#[tokio::test(start_paused = true)]
async fn dropped_response_drops_its_body_and_task() {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let (keys, _publisher) = Rotating::manual(both());
    let before = tasks();
    let held = Arc::new(());
    let watched = Arc::downgrade(&held);
    let body = answer(&keys, stream::pending(), held).await;
    assert_eq!(tasks(), before + 1);
    drop(body);
    assert_eq!(watched.strong_count(), 0);
    pass(millis(1)).await;
    assert_eq!(tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn response_that_ends_at_once_registers_nothing() {
    async fn registered<B>(body: B) -> usize
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let tasks = || Handle::current().metrics().num_alive_tasks();
        let (keys, _publisher) = Rotating::manual(both());
        let before = tasks();
        let mut body = Some(body);
        let host = service_fn(move |_: Request<_>| {
            let response = Response::new(body.take().unwrap());
            async { Ok::<_, Infallible>(response) }
        });
        let service = RequireKeyLayer::new(keys).layer(host);
        let response = service.oneshot(presenting(String::new())).await.unwrap();
        let registered = tasks() - before;
        drop(response);
        registered
    }
    assert_eq!(registered(Empty::new()).await, 0);
    assert_eq!(registered(Full::from("a response")).await, 0);
    assert_eq!(
        registered(StreamBody::new(stream::iter([data("a")]))).await,
        0
    );
    let trailers = async { Some(Ok(http::HeaderMap::new())) };
    assert_eq!(registered(Full::from("a").with_trailers(trailers)).await, 0);
    assert_eq!(
        registered(StreamBody::new(stream::pending::<Line>())).await,
        1
    );
}

/// Sends an upload, and returns its frames as the handler reads them, until it fails.
async fn uploaded<B>(keys: Rotating<KeySet>, body: B) -> (Vec<Bytes>, Option<KeyStatus>)
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let host = service_fn(|request: Request<RequestBody<B>>| async move {
        let (mut body, mut frames) = (request.into_body(), vec![]);
        let mut ended = None;
        // Enough for a key to end meanwhile.
        while let Some(frame) = body.frame().await.filter(|_| frames.len() < 1_000) {
            match frame {
                Ok(frame) => frames.push(frame.into_data().unwrap()),
                Err(error) => {
                    ended = error.downcast_ref().map(KeyEndedError::status);
                    break;
                }
            }
            yield_now().await;
        }
        let mut response = Response::new(String::new());
        response.extensions_mut().insert((frames, ended));
        Ok::<_, Infallible>(response)
    });
    let mut service = RequireKeyLayer::new(keys).layer(host);
    let response = service.call(presenting(body)).await.unwrap();
    response.extensions().get().cloned().unwrap()
}

#[tokio::test(start_paused = true)]
async fn upload_fails_with_key_whether_it_waits_or_not() {
    let waiting = || stream::iter([data("a")]).chain(stream::pending()).boxed();
    let endless = || stream::repeat_with(|| data("x")).boxed();
    for frames in [waiting(), endless()] {
        let (keys, mut publisher) = Rotating::manual(both());
        let upload = tokio::spawn(uploaded(keys, StreamBody::new(frames)));
        // Virtual time stands still while the handler reads on.
        let read_on = async || {
            for _ in 0..10 {
                yield_now().await;
            }
        };
        read_on().await;
        publisher.publish(both());
        read_on().await;
        assert!(!upload.is_finished(), "a reload that keeps the key");
        publisher.publish(without_valid());
        let began = Instant::now();
        let (_, ended) = upload.await.unwrap();
        assert_eq!(ended, Some(KeyStatus::Revoked));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn upload_fails_on_expiry() {
    let wall = Wall::new();
    let record = record("valid", "").with_not_after(wall.now() + minutes(10));
    let builder = Rotating::builder().wall_clock(wall.reader());
    let (keys, _publisher) = builder.manual(set([(VALID, record)]));
    let began = Instant::now();
    let (_, ended) = uploaded(keys, StreamBody::new(stream::pending())).await;
    assert_eq!(ended, Some(KeyStatus::Expired));
    let late = began.elapsed() - minutes(10);
    assert!(late <= millis(100), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn upload_passes_through_while_key_is_active() {
    let (keys, _publisher) = Rotating::manual(both());
    let frames = StreamBody::new(stream::iter([data("a"), data("b")]));
    let (frames, ended) = uploaded(keys, frames).await;
    assert_eq!((frames.concat().as_slice(), ended), (&b"ab"[..], None));
}

#[tokio::test(start_paused = true)]
async fn principal_of_nobody_never_ends() {
    let loopback = "[::1]:1".parse().unwrap();
    let open = tower_rotating_auth::inbound::DangerouslyOpen::on_loopback(loopback).unwrap();
    let host = service_fn(|request: Request<_>| async move {
        let principal: Principal = request.extensions().get().cloned().unwrap();
        let ended = timeout(minutes(60), principal.ended()).await;
        assert!(ended.is_err());
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let service = RequireKeyLayer::dangerously_open(open).layer(host);
    service.oneshot(presenting(String::new())).await.unwrap();
}
