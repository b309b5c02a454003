use std::time::Duration;

use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::{
    Secret,
    outbound::{
        AttemptResult, InjectKeyLayer, IntoCredential, NotReplayed, Outcome, RotatingCredential,
    },
    rotating::RefreshErrorKind,
    source::{SourceError, SourceErrorKind, source_fn},
};

use super::{ORIGIN, URL, World, get, post};
use crate::support::source_kind;

fn why_rejected(response: &Response<String>) -> &NotReplayed {
    let outcome = response.extensions().get::<Outcome>();
    let reason = outcome.and_then(Outcome::not_replayed);
    reason.unwrap_or_else(|| panic!("{outcome:?}"))
}

#[tokio::test(start_paused = true)]
async fn rejected_request_is_replayed_with_new_key() {
    let world = World::new("old");
    let client = world.inject().await.layer(world.upstream());
    world.rotate("new");

    let response = client.oneshot(post("precious")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.body(), "precious");
    let outcome: &Outcome = response.extensions().get().unwrap();
    let attempts = outcome.attempts().iter();
    let attempts: Vec<_> = attempts
        .map(|attempt| (attempt.generation.get(), attempt.result))
        .collect();
    assert_eq!(
        attempts,
        [
            (1, AttemptResult::Rejected),
            (2, AttemptResult::NotRejected)
        ]
    );
    assert!(outcome.is_replayed() && outcome.not_replayed().is_none());

    let [first, second] = &world.seen()[..] else {
        panic!("{:?}", world.seen())
    };
    assert_eq!(first.header("authorization"), Some("Bearer old"));
    assert_eq!(second.header("authorization"), Some("Bearer new"));
    assert_eq!(second.headers.get_all("authorization").iter().count(), 1);
    assert_eq!(second.headers.len(), first.headers.len());
    assert_eq!(second.header("x-request-id"), Some("7"));
    assert_eq!((&first.uri, &first.body), (&second.uri, &second.body));
    assert_eq!(world.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn accepted_request_has_no_outcome() {
    let world = World::new("key");
    let client = world.inject().await.layer(world.upstream());
    let response = client.oneshot(get(URL)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.extensions().get::<Outcome>().is_none());
    assert_eq!((world.seen().len(), world.fetches()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn request_extensions_survive_replay() {
    #[derive(Clone, PartialEq, Debug)]
    struct Trace(u32);
    let world = World::new("old");
    let upstream = world.upstream();
    let traced = service_fn(move |request: Request<String>| {
        assert_eq!(request.extensions().get(), Some(&Trace(7)));
        upstream.clone().oneshot(request)
    });
    let client = world.inject().await.layer(traced);
    world.rotate("new");
    let mut request = post("");
    request.extensions_mut().insert(Trace(7));
    let response = client.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(world.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn unchanged_key_is_not_replayed() {
    let world = World::new("old");
    let client = world.inject().await.layer(world.upstream());
    world.accept("new");

    let response = client.oneshot(post("")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.body(), "the upstream's own words");
    assert!(response.headers().contains_key("www-authenticate"));
    assert!(matches!(
        why_rejected(&response),
        NotReplayed::RefreshFailed(error) if error.kind() == RefreshErrorKind::Unchanged
    ));
    assert_eq!(world.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn failed_refresh_returns_rejection_and_reason() {
    let world = World::new("old");
    let client = world.inject().await.layer(world.upstream());
    world.accept("new");
    world.break_store();

    let response = client.oneshot(post("")).await.unwrap();
    assert_eq!(response.body(), "the upstream's own words");
    match why_rejected(&response) {
        NotReplayed::RefreshFailed(error) => {
            assert_eq!(source_kind(error), Some(SourceErrorKind::Transient));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn replay_waits_for_a_late_store() {
    let world = World::new("old");
    let client = world.inject().await.layer(world.upstream());
    world.accept("new");
    let late = world.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        late.store("new");
    });
    let response = client.oneshot(post("")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn second_rejection_is_not_replayed() {
    let world = World::new("old");
    let client = world.inject().await.layer(world.upstream());
    world.store("also-wrong");
    world.accept("new");

    let response = client.oneshot(post("")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(
        response
            .extensions()
            .get()
            .is_some_and(Outcome::is_replayed)
    );
    assert_eq!(world.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn unkept_body_returns_rejection_and_refreshes() {
    let world = World::new("old");
    let key = world.key().await;
    let client = InjectKeyLayer::new(ORIGIN, key.clone())
        .unwrap()
        .replay(|_: &String| None)
        .layer(world.upstream());
    world.rotate("new");
    let mut changes = key.subscribe();

    let response = client.clone().oneshot(post("stream")).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(matches!(why_rejected(&response), NotReplayed::BodyNotKept));
    assert_eq!(world.seen().len(), 1);

    changes.changed().await.expect("the refresh task runs");
    let response = client.oneshot(post("stream")).await.unwrap();
    assert_eq!(response.body(), "stream");
}

#[tokio::test(start_paused = true)]
async fn closure_decides_which_bodies_are_kept() {
    let world = World::new("old");
    let client = world
        .inject()
        .await
        .replay(|body: &String| (body.len() < 8).then(|| body.clone()))
        .layer(world.upstream());
    world.rotate("new");
    let response = client.oneshot(post("short")).await.unwrap();
    assert_eq!(response.body(), "short");
}

#[tokio::test(start_paused = true)]
async fn late_rejection_of_old_key_needs_no_fetch() {
    let world = World::new("old");
    let key = world.key().await;
    let client = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap().layer({
        let world = world.clone();
        let key = key.clone();
        service_fn(move |request| {
            let (world, key) = (world.clone(), key.clone());
            async move {
                if world.seen().is_empty() {
                    world.rotate("new"); // the key rotates while the request is on its way
                    key.refresh().await.unwrap();
                }
                world.upstream().oneshot(request).await
            }
        })
    });
    let response = client.oneshot(post("late")).await.unwrap();
    assert_eq!(response.body(), "late");
    assert_eq!((world.seen().len(), world.fetches()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn concurrent_rejections_share_one_fetch() {
    let world = World::new("old");
    let client = world.inject().await.layer(world.upstream());
    world.rotate("new");
    let requests = (0..100).map(|n| client.clone().oneshot(post(&n.to_string())));
    let requests: Vec<_> = requests.map(tokio::spawn).collect();
    for (n, request) in requests.into_iter().enumerate() {
        let response = request.await.unwrap().unwrap();
        assert_eq!(*response.body(), n.to_string());
    }
    assert_eq!((world.seen().len(), world.fetches()), (200, 2));
}

#[tokio::test(start_paused = true)]
async fn grpc_status_header_is_a_rejection() {
    for content_type in [
        "application/grpc",
        "application/grpc-web+proto",
        "application/grpc-web-text",
    ] {
        let world = World::new("old");
        let upstream = world.upstream();
        let grpc = service_fn(move |request: Request<String>| {
            let answer = upstream.clone().oneshot(request);
            async {
                answer.await.map(|mut response| {
                    if response.status() == StatusCode::UNAUTHORIZED {
                        *response.status_mut() = StatusCode::OK;
                        let headers = response.headers_mut();
                        headers.insert("content-type", content_type.parse().unwrap());
                        headers.insert("grpc-status", "16".parse().unwrap());
                    }
                    response
                })
            }
        });
        let client = world.inject().await.layer(grpc);
        world.rotate("new");
        let response = client.oneshot(post("unary")).await.unwrap();
        assert_eq!(response.body(), "unary", "{content_type}");
        assert!(!response.headers().contains_key("grpc-status"));
    }
}

#[tokio::test(start_paused = true)]
async fn other_status_is_rejection_only_if_configured() {
    for is_configured in [false, true] {
        let world = World::new("old");
        let upstream = world.upstream();
        let forbids = service_fn(move |request: Request<String>| {
            let answer = upstream.clone().oneshot(request);
            async {
                answer.await.map(|mut response| {
                    if response.status() == StatusCode::UNAUTHORIZED {
                        *response.status_mut() = StatusCode::FORBIDDEN;
                    }
                    response
                })
            }
        });
        let inject = world.inject().await;
        let inject = if is_configured {
            inject.rejected_by(StatusCode::FORBIDDEN)
        } else {
            inject
        };
        world.rotate("new");
        let response = inject.layer(forbids).oneshot(post("")).await.unwrap();
        assert_eq!(response.status() == StatusCode::OK, is_configured);
    }
}

#[tokio::test(start_paused = true)]
async fn transport_error_is_passed_on() {
    let world = World::new("key");
    let broken =
        service_fn(|_: Request<String>| async { Err::<Response<String>, _>("reset by peer") });
    let client = world.inject().await.layer(broken);
    assert_eq!(client.oneshot(post("")).await.unwrap_err(), "reset by peer");
    assert_eq!(world.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn stopped_refresh_task_keeps_last_key() {
    let world = World::new("key");
    let source = source_fn(|| async { Ok::<_, SourceError>(Secret::from("key")) });
    let (key, driver) = RotatingCredential::pair(source.bearer()).await.unwrap();
    drop(driver);
    let client = InjectKeyLayer::new(ORIGIN, key)
        .unwrap()
        .layer(world.upstream());

    let response = client.clone().oneshot(get(URL)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);

    world.accept("new");
    let response = client.oneshot(get(URL)).await.unwrap();
    assert!(matches!(
        why_rejected(&response),
        NotReplayed::RefreshFailed(error) if error.kind() == RefreshErrorKind::Stopped
    ));
}
