//! The end of a key: for the next request, for handlers, and for bodies that still stream.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::{
    Rotating,
    inbound::{
        GuardedBody, KeyEndedError, KeyPrincipal, KeyRecord, KeySet, KeyStatus, Principal,
        RequireKeyLayer,
    },
    rotating::Publisher,
};

use super::keys::{ADMIN, VALID, record, set};
use super::layer::{Echo, ask, get, with};
use crate::support::{Wall, minutes, moment, secs};

/// Creates a manually published set, on a wall clock that follows virtual time.
fn published(keys: KeySet, wall: &Wall) -> (Rotating<KeySet>, Publisher<KeySet>) {
    let builder = Rotating::builder().wall_clock(wall.reader());
    builder.manual(keys)
}

fn valid() -> KeyRecord {
    record("valid", "")
}

/// Returns a key that every set has, so that no set is empty.
fn other() -> (&'static str, KeyRecord) {
    (ADMIN, record("admin", ""))
}

#[cfg(feature = "file")]
fn disabled() -> KeySet {
    let digest = tower_rotating_auth::inbound::KeyDigest::of(VALID.as_bytes()).to_text();
    let text = format!(
        "version = 1\n[[client]]\nid = \"valid\"\nenabled = false\n\
         [[key]]\nid = \"valid\"\nclient = \"valid\"\ndigest = \"{digest}\"\n"
    );
    KeySet::from_toml(&text).unwrap()
}

/// Returns sets in which the key is no longer active, and its status in each.
fn ends() -> Vec<(KeyStatus, KeySet)> {
    vec![
        (KeyStatus::Unknown, set([other()])),
        (
            KeyStatus::Revoked,
            set([(VALID, valid().into_revoked()), other()]),
        ),
        (KeyStatus::Unknown, KeySet::empty()),
        #[cfg(feature = "file")]
        (KeyStatus::Disabled, disabled()),
    ]
}

#[tokio::test(start_paused = true)]
async fn ended_key_is_refused_in_every_clone() {
    for (status, without) in ends() {
        let (keys, mut publisher) = Rotating::manual(set([(VALID, valid()), other()]));
        let layer = RequireKeyLayer::new(keys);
        let services = [
            layer.layer(Echo),
            layer.layer(Echo),
            layer.clone().layer(Echo),
        ];
        let services = services
            .into_iter()
            .flat_map(|service| [service.clone(), service]);
        let services: Vec<_> = services.collect();
        for service in &services {
            assert_eq!(
                ask(service, with("/", VALID)).await.status(),
                200,
                "{status}"
            );
        }
        publisher.publish(without);
        for service in &services {
            assert_eq!(
                ask(service, with("/", VALID)).await.status(),
                401,
                "{status}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn key_is_accepted_between_its_times() {
    let wall = Wall::new();
    let record = valid()
        .with_not_before(wall.now() + secs(10))
        .with_not_after(wall.now() + secs(20));
    let (keys, _publisher) = published(set([(VALID, record)]), &wall);
    let service = RequireKeyLayer::new(keys).layer(Echo);
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(ask(&service, with("/", VALID)).await.status() == 200);
        tokio::time::advance(secs(1)).await;
    }
    let expected: Vec<_> = (0..30).map(|n| (10..20).contains(&n)).collect();
    assert_eq!(statuses, expected);
}

#[tokio::test(start_paused = true)]
async fn expiry_goes_by_a_clock_that_may_be_set_back() {
    let wall = Wall::new();
    let record = valid().with_not_after(wall.now() + minutes(10));
    let (keys, mut publisher) = published(set([(VALID, record)]), &wall);
    let service = RequireKeyLayer::new(keys).layer(Echo);
    let status = async || ask(&service, with("/", VALID)).await.status().as_u16();
    wall.jump(600);
    assert_eq!(status().await, 401);
    wall.jump(-600);
    assert_eq!(status().await, 200);
    // A revocation has no moment, and so no clock brings the key back.
    publisher.publish(set([(VALID, valid().into_revoked()), other()]));
    wall.jump(-6_000);
    assert_eq!(status().await, 401);
}

#[tokio::test(start_paused = true)]
async fn old_and_new_key_are_both_accepted() {
    let wall = Wall::new();
    let (keys, mut publisher) = published(set([(VALID, valid())]), &wall);
    let service = RequireKeyLayer::new(keys).layer(Echo);
    let status = async |token| ask(&service, with("/", token)).await.status().as_u16();
    assert_eq!((status(VALID).await, status(ADMIN).await), (200, 401));
    let new = KeyRecord::new(
        "new".parse().unwrap(),
        "valid".parse().unwrap(),
        "".parse().unwrap(),
    );
    let old = valid().with_not_after(wall.now() + minutes(5));
    publisher.publish(set([(VALID, old), (ADMIN, new)]));
    assert_eq!((status(VALID).await, status(ADMIN).await), (200, 200));
    assert!(
        ask(&service, with("/", ADMIN))
            .await
            .body()
            .starts_with("valid by new\n")
    );
    tokio::time::advance(minutes(5)).await;
    assert_eq!((status(VALID).await, status(ADMIN).await), (401, 200));
}

async fn principal_of(keys: &Rotating<KeySet>) -> KeyPrincipal {
    let keep = service_fn(|request: Request<_>| async move {
        let mut response = Response::new(String::new());
        let principal: Principal = request.extensions().get().cloned().unwrap();
        response.extensions_mut().insert(principal);
        Ok::<_, Infallible>(response)
    });
    let service = RequireKeyLayer::new(keys.clone()).layer(keep);
    let response = service.oneshot(with("/", VALID)).await.unwrap();
    let principal: &Principal = response.extensions().get().unwrap();
    principal.key().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn ended_resolves_when_key_ends() {
    for (status, without) in ends() {
        let (keys, mut publisher) = Rotating::manual(set([(VALID, valid()), other()]));
        let principal = principal_of(&keys).await;
        let mut ended = Box::pin(principal.ended());
        assert_eq!(
            timeout(minutes(60), &mut ended).await.ok(),
            None,
            "{status}"
        );
        publisher.publish(set([(VALID, valid())]));
        assert_eq!(
            timeout(minutes(60), &mut ended).await.ok(),
            None,
            "{status}"
        );
        publisher.publish(without);
        let began = Instant::now();
        assert_eq!(ended.await, status);
        assert_eq!(began.elapsed(), Duration::ZERO, "{status}");
        assert_eq!(principal.ended().now_or_never(), Some(status), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn ended_resolves_on_expiry() {
    let wall = Wall::new();
    let record = valid().with_not_after(wall.now() + minutes(10));
    let (keys, publisher) = published(set([(VALID, record)]), &wall);
    let principal = principal_of(&keys).await;
    let began = Instant::now();
    assert_eq!(principal.ended().await, KeyStatus::Expired);
    let took = began.elapsed();
    assert!(
        took >= minutes(10) && took < minutes(10) + secs(1),
        "{took:?}"
    );
    drop(publisher);
    assert_eq!(principal.ended().now_or_never(), Some(KeyStatus::Expired));
}

#[tokio::test(start_paused = true)]
async fn ended_resolves_on_expiry_without_publisher() {
    let wall = Wall::new();
    let record = valid().with_not_after(wall.now() + minutes(10));
    let (keys, publisher) = published(set([(VALID, record)]), &wall);
    let principal = principal_of(&keys).await;
    let ended = tokio::spawn(async move { principal.ended().await });
    moment().await;
    drop(publisher);
    let began = Instant::now();
    assert_eq!(ended.await.unwrap(), KeyStatus::Expired);
    assert!(began.elapsed() < minutes(11), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn ended_notices_wall_clock_jump() {
    let wall = Wall::new();
    let record = valid().with_not_after(wall.now() + minutes(600));
    let (keys, _publisher) = published(set([(VALID, record)]), &wall);
    let principal = principal_of(&keys).await;
    let ended = tokio::spawn(async move { principal.ended().await });
    moment().await;
    wall.jump(601 * 60);
    let began = Instant::now();
    assert_eq!(ended.await.unwrap(), KeyStatus::Expired);
    assert!(began.elapsed() <= secs(30), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn principal_for_tests_never_ends_and_opens_no_layer() {
    let client = "valid".parse().unwrap();
    let principal = KeyPrincipal::for_tests(client, "chat:write".parse().unwrap());
    assert_eq!(principal.client().as_str(), "valid");
    assert_eq!(principal.scopes().to_string(), "chat:write");
    assert_eq!(timeout(minutes(60), principal.ended()).await.ok(), None);

    let (keys, mut publisher) = Rotating::manual(set([(VALID, valid())]));
    let service = RequireKeyLayer::new(keys).layer(Echo);
    let request = || {
        let mut request = get("/");
        request
            .extensions_mut()
            .insert(Principal::Key(principal.clone()));
        request
    };
    assert_eq!(ask(&service, request()).await.status(), 401);
    publisher.publish(set([(VALID, valid()), ("", record("test", ""))]));
    assert_eq!(ask(&service, request()).await.status(), 401);
}

/// Returns the body of the response to a request with the key, around a body of the test's own.
async fn answer<B>(keys: &Rotating<KeySet>, body: B) -> GuardedBody<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let mut body = Some(body);
    let host = service_fn(move |_: Request<_>| {
        let response = Response::new(body.take().unwrap());
        async { Ok::<_, Infallible>(response) }
    });
    let service = RequireKeyLayer::new(keys.clone()).layer(host);
    let response = service.oneshot(with("/", VALID)).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body()
}

type Line = Result<Frame<Bytes>, Infallible>;

fn data(text: &'static str) -> Line {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// Returns a body that is always ready.
fn endless() -> impl Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static {
    StreamBody::new(stream::repeat_with(|| data("x")))
}

fn fed() -> (
    mpsc::UnboundedSender<Line>,
    StreamBody<impl Stream<Item = Line> + Unpin>,
) {
    let (sender, lines) = mpsc::unbounded_channel();
    (sender, StreamBody::new(UnboundedReceiverStream::new(lines)))
}

fn why(error: &(dyn Error + 'static)) -> KeyStatus {
    error
        .downcast_ref::<KeyEndedError>()
        .expect("the key ended")
        .status()
}

async fn next<B>(body: &mut B) -> Result<Bytes, KeyStatus>
where
    B: Body<Data = Bytes, Error = Box<dyn Error + Send + Sync>> + Unpin,
{
    match body.frame().await.expect("a frame") {
        Ok(frame) => Ok(frame.into_data().unwrap()),
        Err(error) => Err(why(&*error)),
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_body_ends_with_key() {
    for (status, without) in ends() {
        let (keys, mut publisher) = Rotating::manual(set([(VALID, valid()), other()]));
        let (sender, body) = fed();
        let mut body = answer(&keys, body).await;
        sender.send(data("one")).unwrap();
        assert_eq!(next(&mut body).await.unwrap(), "one");
        let mut waiting = tokio::spawn(async move { (next(&mut body).await, body) });
        assert!(
            timeout(minutes(60), &mut waiting).await.is_err(),
            "{status}"
        );
        publisher.publish(without);
        let began = Instant::now();
        let (end, mut body) = waiting.await.unwrap();
        assert_eq!(end, Err(status));
        assert_eq!(began.elapsed(), Duration::ZERO, "{status}");
        assert!(
            body.frame().await.is_none() && body.is_end_stream(),
            "{status}"
        );
        assert_eq!(body.size_hint().exact(), Some(0));
        assert!(
            sender.send(data("late")).is_err(),
            "the inner body is dropped"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn ready_body_ends_with_key() {
    for (status, without) in ends() {
        let (keys, mut publisher) = Rotating::manual(set([(VALID, valid()), other()]));
        let mut body = answer(&keys, endless()).await;
        for _ in 0..3 {
            assert_eq!(next(&mut body).await.unwrap(), "x", "{status}");
        }
        publisher.publish(set([(VALID, valid())]));
        assert_eq!(next(&mut body).await.unwrap(), "x", "{status}");
        publisher.publish(without);
        assert_eq!(next(&mut body).await, Err(status));
        assert!(body.frame().await.is_none(), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_end_on_expiry() {
    let wall = Wall::new();
    let record = valid().with_not_after(wall.now() + minutes(10));
    let (keys, _publisher) = published(set([(VALID, record)]), &wall);
    let (_sender, waiting) = fed();
    let mut waiting = answer(&keys, waiting).await;
    let mut ready = answer(&keys, endless()).await;
    assert_eq!(next(&mut ready).await.unwrap(), "x");
    let began = Instant::now();
    assert_eq!(next(&mut waiting).await, Err(KeyStatus::Expired));
    assert!(began.elapsed() < minutes(10) + secs(1));
    assert_eq!(next(&mut ready).await, Err(KeyStatus::Expired));
}

#[tokio::test(start_paused = true)]
async fn bodies_end_on_expiry_set_while_streaming() {
    let wall = Wall::new();
    let (keys, mut publisher) = published(set([(VALID, valid())]), &wall);
    let (_sender, waiting) = fed();
    let mut waiting = answer(&keys, waiting).await;
    let mut ready = answer(&keys, endless()).await;
    assert_eq!(next(&mut ready).await.unwrap(), "x");
    publisher.publish(set([(
        VALID,
        valid().with_not_after(wall.now() + minutes(5)),
    )]));
    assert_eq!(next(&mut ready).await.unwrap(), "x");
    assert_eq!(next(&mut waiting).await, Err(KeyStatus::Expired));
    assert_eq!(next(&mut ready).await, Err(KeyStatus::Expired));
}

#[tokio::test(start_paused = true)]
async fn body_continues_when_expiry_is_removed() {
    let wall = Wall::new();
    let record = valid().with_not_after(wall.now() + minutes(5));
    let (keys, mut publisher) = published(set([(VALID, record)]), &wall);
    let mut ready = answer(&keys, endless()).await;
    let (_sender, waiting) = fed();
    let mut waiting = answer(&keys, waiting).await;
    publisher.publish(set([(VALID, valid())]));
    let quiet = timeout(minutes(60), next(&mut waiting)).await;
    assert!(quiet.is_err(), "{quiet:?}");
    assert_eq!(next(&mut ready).await.unwrap(), "x");
}

#[tokio::test(start_paused = true)]
async fn key_that_ends_before_response_ends_body() {
    let (keys, mut publisher) = Rotating::manual(set([(VALID, valid()), other()]));
    let host = service_fn(|_: Request<_>| async move {
        tokio::time::sleep(secs(10)).await;
        Ok::<_, Infallible>(Response::new(endless()))
    });
    let service = RequireKeyLayer::new(keys).layer(host);
    let answer = tokio::spawn(service.oneshot(with("/", VALID)));
    moment().await;
    publisher.publish(set([other()]));
    let mut body = answer.await.unwrap().unwrap().into_body();
    assert_eq!(next(&mut body).await, Err(KeyStatus::Unknown));
}

#[tokio::test(start_paused = true)]
async fn body_passes_through_while_key_is_active() {
    let (keys, _publisher) = Rotating::manual(set([(VALID, valid())]));

    let full = answer(&keys, Full::from("12345")).await;
    assert_eq!(full.size_hint().exact(), Some(5));
    assert!(!full.is_end_stream());
    let empty = answer(&keys, Empty::new()).await;
    assert!(empty.is_end_stream());
    assert_eq!(empty.size_hint().exact(), Some(0));

    let (sender, body) = fed();
    let body = answer(&keys, body).await;
    let (host, guarded) = (SizeHint::default(), body.size_hint());
    assert_eq!(
        (guarded.lower(), guarded.upper()),
        (host.lower(), host.upper())
    );
    let trailers = HeaderMap::from_iter([(http::header::ETAG, "\"7\"".parse().unwrap())]);
    for frame in [data("a"), data("b"), Ok(Frame::trailers(trailers.clone()))] {
        sender.send(frame).unwrap();
    }
    drop(sender);
    let collected = body.collect().await.unwrap();
    assert_eq!(collected.trailers(), Some(&trailers));
    assert_eq!(collected.to_bytes(), "ab");
}

#[tokio::test(start_paused = true)]
async fn body_error_passes_through() {
    let (keys, _publisher) = Rotating::manual(set([(VALID, valid())]));
    let broken = stream::iter([Err::<Frame<Bytes>, _>(std::io::Error::other("broken"))]);
    let mut body = answer(&keys, StreamBody::new(broken.boxed())).await;
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(
        error.downcast::<std::io::Error>().unwrap().to_string(),
        "broken"
    );
}

#[tokio::test(start_paused = true)]
async fn anonymous_body_is_not_guarded() {
    let (keys, mut publisher) = Rotating::manual(set([(VALID, valid())]));
    let policies = tower_rotating_auth::inbound::policy::RoutePolicy::new()
        .optional(http::Method::GET, "/")
        .unwrap();
    let host =
        service_fn(|_: Request<_>| async move { Ok::<_, Infallible>(Response::new(endless())) });
    let service = RequireKeyLayer::new(keys).policy(policies).layer(host);
    let mut body = service.oneshot(get("/")).await.unwrap().into_body();
    publisher.publish(KeySet::empty());
    assert_eq!(next(&mut body).await.unwrap(), "x");
}

#[tokio::test(start_paused = true)]
async fn refusal_body_has_exact_length() {
    let (keys, _publisher) = Rotating::manual(set([(VALID, valid())]));
    let service = RequireKeyLayer::new(keys).layer(Echo);
    let refused = |request| {
        let service = service.clone();
        async move { service.oneshot(request).await.unwrap() }
    };
    let response = refused(get("/")).await;
    let length: u64 = response.headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let body = response.into_body();
    assert!(!body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(length));
    assert_eq!(
        body.collect().await.unwrap().to_bytes().len() as u64,
        length
    );

    let mut head = get("/");
    *head.method_mut() = http::Method::HEAD;
    let response = refused(head).await;
    assert_eq!(response.headers()["content-length"], length.to_string());
    assert!(response.body().is_end_stream());
    assert_eq!(response.body().size_hint().exact(), Some(0));
}

#[test]
fn key_ended_is_error_and_ended_is_send() {
    fn is_error<T: Error + Send + Sync + 'static>() {}
    is_error::<KeyEndedError>();
    fn is_send<T: Send>(_: &T) {}
    fn ended(principal: &KeyPrincipal) -> impl Future<Output = KeyStatus> {
        let ended = principal.ended();
        is_send(&ended);
        ended
    }
    let _ = ended;
}
