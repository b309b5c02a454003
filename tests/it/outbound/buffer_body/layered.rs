//! Bodies in the layer, with an upstream that chooses when to answer and whether to read on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_rotating_auth::{
    outbound::adapter::HttpAdapter,
    outbound::replay::{BufferBody, ReplayBody, SupersededError},
    outbound::{InjectKeyLayer, NotReplayed, Outcome},
};

use super::super::{ORIGIN, URL, World};
use crate::support::{Fed, Feed, feed, watched};

const LIMIT: usize = 16;
/// A length that is not copied when it is recorded.
const LONG: usize = 16 * 1024;

type Upload = ReplayBody<Fed>;

/// The end of the first attempt's body, which the upstream reads on after its answer.
type End = Result<Bytes, BoxError>;

/// An upstream that reads `reads` frames before it looks at the key. It echoes the body of an
/// accepted request, and reads a rejected one on in the background.
fn upstream(
    world: World,
    reads: usize,
) -> (
    impl Service<Request<Upload>, Response = Response<Bytes>, Error = Infallible, Future: Send> + Clone,
    mpsc::UnboundedReceiver<End>,
) {
    let (ended, ends) = mpsc::unbounded_channel();
    let upstream = service_fn(move |request: Request<Upload>| {
        let (world, ended) = (world.clone(), ended.clone());
        async move {
            let (head, mut body) = request.into_parts();
            let mut read = Vec::new();
            for _ in 0..reads {
                let frame = body.frame().await.unwrap().unwrap();
                read.extend(frame.into_data().unwrap());
            }
            let head = Request::from_parts(head, String::new());
            let answer = world.upstream().oneshot(head).await?;
            let rest = async move {
                let rest = body.collect().await?.to_bytes();
                Ok([&read, &*rest].concat().into())
            };
            if answer.status() == StatusCode::OK {
                return Ok(Response::new(
                    rest.await
                        .unwrap_or_else(|error: BoxError| panic!("{error}")),
                ));
            }
            tokio::spawn(async move { ended.send(rest.await) });
            Ok(answer.map(Bytes::from))
        }
    });
    (upstream, ends)
}

fn upload(body: Fed) -> Request<Fed> {
    Request::post(URL).body(body).unwrap()
}

fn pieces(feed: &Feed, number: usize) {
    for n in 0..number {
        feed.data(format!("{n:>5},"));
    }
}

fn whole(number: usize) -> String {
    (0..number).map(|n| format!("{n:>5},")).collect()
}

async fn buffered(world: &World, limit: usize) -> InjectKeyLayer<HttpAdapter<BufferBody>> {
    world.inject().await.replay(BufferBody::new(limit))
}

#[tokio::test(start_paused = true)]
async fn long_upload_is_replayed_after_early_401() {
    for reads in [0, 1, 2] {
        let world = World::new("old");
        let (upstream, mut ends) = upstream(world.clone(), reads);
        let client = buffered(&world, LIMIT).await.layer(upstream);
        world.rotate("new");
        let (feed, body) = feed(None);
        pieces(&feed, 1000);
        drop(feed);

        let response = client.oneshot(upload(body)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(*response.body(), whole(1000));
        assert!(
            response
                .extensions()
                .get()
                .is_some_and(Outcome::is_replayed)
        );
        let end = ends.recv().await.unwrap();
        assert!(end.unwrap_err().is::<SupersededError>());
    }
}

#[tokio::test(start_paused = true)]
async fn upstream_reading_on_does_not_exhaust_limit() {
    let world = World::new("old");
    let (upstream, mut ends) = upstream(world.clone(), 1);
    let key = world.key_with(Duration::from_secs(2)).await;
    let inject = InjectKeyLayer::new(ORIGIN, key).unwrap();
    let client = inject.replay(BufferBody::new(LIMIT)).layer(upstream);
    world.rotate("new");
    let (feed, body) = feed(None);
    pieces(&feed, 1000);
    drop(feed);

    let answer = tokio::spawn(client.oneshot(upload(body)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(ends.try_recv().is_err());
    assert_eq!(*answer.await.unwrap().unwrap().body(), whole(1000));
    assert!(
        ends.recv()
            .await
            .unwrap()
            .unwrap_err()
            .is::<SupersededError>()
    );
}

#[tokio::test(start_paused = true)]
async fn upload_continues_without_newer_key() {
    let world = World::new("old");
    let (upstream, mut ends) = upstream(world.clone(), 1);
    let client = buffered(&world, LIMIT).await.layer(upstream);
    world.accept("new");
    world.break_store();
    let (feed, body) = feed(None);
    pieces(&feed, 1000);
    drop(feed);

    let response = client.oneshot(upload(body)).await.unwrap();
    assert_eq!(*response.body(), "the upstream's own words");
    assert_eq!(ends.recv().await.unwrap().unwrap(), whole(1000));
}

#[tokio::test(start_paused = true)]
async fn late_rejection_is_passed_on_at_once() {
    let world = World::new("old");
    let (upstream, mut ends) = upstream(world.clone(), 3);
    let key = world.key_with(Duration::from_secs(2)).await;
    let inject = InjectKeyLayer::new(ORIGIN, key).unwrap();
    let client = inject.replay(BufferBody::new(LIMIT)).layer(upstream);
    world.rotate("new");
    let (feed, body) = feed(None);
    pieces(&feed, 1000);
    drop(feed);

    let asked = tokio::time::Instant::now();
    let response = client.oneshot(upload(body)).await.unwrap();
    assert_eq!(*response.body(), "the upstream's own words");
    let outcome: &Outcome = response.extensions().get().unwrap();
    assert!(matches!(
        outcome.not_replayed(),
        Some(NotReplayed::BodyNotKept)
    ));
    assert!(asked.elapsed() < Duration::from_secs(1));
    assert_eq!(ends.recv().await.unwrap().unwrap(), whole(1000));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_recorded_after_answer_or_without_key() {
    let world = World::new("key");
    for url in [URL, "https://elsewhere.example.com/"] {
        let (bodies, mut sent) = mpsc::unbounded_channel();
        let streams = service_fn(move |request: Request<Upload>| {
            bodies.send(request.into_body()).unwrap();
            async { Ok::<_, Infallible>(Response::new(())) }
        });
        let client = buffered(&world, LONG).await.layer(streams);
        let (feed, body) = feed(None);
        let request = Request::post(url).body(body).unwrap();
        client.oneshot(request).await.unwrap();

        let mut upload = sent.recv().await.unwrap(); // it goes on while the answer streams
        let (piece, kept) = watched(vec![b'x'; LONG / 2]);
        feed.data(piece);
        upload.frame().await.unwrap().unwrap();
        assert_eq!(Arc::strong_count(&kept), 1, "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_call_frees_recording() {
    let world = World::new("key");
    let (bodies, mut sent) = mpsc::unbounded_channel();
    let silent = service_fn(move |request: Request<Upload>| {
        bodies.send(request.into_body()).unwrap();
        std::future::pending::<Result<Response<()>, Infallible>>()
    });
    let mut client = buffered(&world, LONG).await.layer(silent);
    let (feed, body) = feed(None);
    let answer = client.ready().await.unwrap().call(upload(body));
    let mut upload = sent.recv().await.unwrap();
    let (piece, kept) = watched(vec![b'x'; LONG / 2]);
    feed.data(piece);
    upload.frame().await.unwrap().unwrap();
    drop(answer);
    feed.data("more");
    assert_eq!(
        upload.frame().await.unwrap().unwrap().into_data().unwrap(),
        "more"
    );
    assert_eq!(Arc::strong_count(&kept), 1);
}

#[tokio::test(start_paused = true)]
async fn inner_client_can_follow_redirects() {
    let world = World::new("old");
    let (upstream, _ends) = upstream(world.clone(), 0);
    let redirects = service_fn(move |request: Request<Upload>| {
        let upstream = upstream.clone();
        async move {
            if request.uri().path() == "/moved" {
                return upstream.oneshot(request).await;
            }
            let answer = Response::builder()
                .status(StatusCode::SEE_OTHER)
                .header("location", "/moved");
            Ok(answer.body(Bytes::new()).unwrap())
        }
    });
    let client = ServiceBuilder::new()
        .layer(buffered(&world, LIMIT).await)
        .layer(FollowRedirectLayer::new())
        .service(redirects);
    world.rotate("new");
    let (feed, body) = feed(None);
    feed.data("dropped by the redirect");
    let response = client.oneshot(upload(body)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.body().is_empty());
}
