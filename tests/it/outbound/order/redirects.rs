//! tower-http's `FollowRedirect`.

use std::convert::Infallible;

use http::{HeaderName, Request, Response, StatusCode};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_rotating_auth::{
    Secret,
    outbound::{Credential, InjectKeyLayer, RotatingCredential},
};

use super::super::{ORIGIN, URL, World, get};
use super::ELSEWHERE;

const MOVED: &str = "https://api.example.com/moved";

/// Redirects `/moved` to another origin, and that origin back to the first.
fn redirecting(
    world: &World,
) -> impl Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send> + Clone
{
    let upstream = world.upstream();
    service_fn(move |request: Request<String>| {
        let to = match (request.uri().path(), request.uri().host()) {
            ("/moved", _) => Some(ELSEWHERE),
            (_, Some("elsewhere.example.com")) => Some(URL),
            _ => None,
        };
        let answer = upstream.clone().oneshot(request);
        async move {
            let mut answer = answer.await?;
            if let Some(to) = to {
                *answer.status_mut() = StatusCode::TEMPORARY_REDIRECT;
                answer.headers_mut().insert("location", to.parse().unwrap());
            }
            Ok(answer)
        }
    })
}

/// Returns which of the hops carried the header.
fn carried(world: &World, name: &str) -> Vec<bool> {
    let seen = world.seen();
    seen.iter()
        .map(|seen| seen.header(name).is_some())
        .collect()
}

fn named(name: &'static str) -> RotatingCredential {
    let name = HeaderName::from_static(name);
    let (key, _publisher) =
        RotatingCredential::manual(Credential::header(name, &Secret::from("k-1")).unwrap());
    key
}

#[tokio::test(start_paused = true)]
async fn outer_redirects_are_judged_hop_by_hop() {
    for name in ["authorization", "x-api-key"] {
        let world = World::new("unused");
        let client = ServiceBuilder::new()
            .layer(FollowRedirectLayer::new())
            .layer(InjectKeyLayer::new(ORIGIN, named(name)).unwrap())
            .service(redirecting(&world));
        client.oneshot(get(MOVED)).await.unwrap();
        assert_eq!(carried(&world, name), [true, false, true], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn outer_redirects_replay_only_the_rejected_hop() {
    let world = World::new("old");
    let inject = world.inject().await;
    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(inject)
        .service(redirecting(&world));
    world.rotate("new");
    let response = client.oneshot(get(MOVED)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let paths: Vec<_> = world
        .seen()
        .iter()
        .map(|seen| seen.uri.to_string())
        .collect();
    assert_eq!(paths, [MOVED, ELSEWHERE, URL, URL]);
}

#[tokio::test(start_paused = true)]
async fn inner_redirects_leak_custom_key_header() {
    for (name, leaks) in [("authorization", false), ("x-api-key", true)] {
        let world = World::new("unused");
        let client = ServiceBuilder::new()
            .layer(InjectKeyLayer::new(ORIGIN, named(name)).unwrap())
            .layer(FollowRedirectLayer::new())
            .service(redirecting(&world));
        client.oneshot(get(MOVED)).await.unwrap();
        assert_eq!(carried(&world, name), [true, leaks, leaks], "{name}");
    }
}
