//! Tests of Tower's service contract, and of both halves in one stack.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Method, Request, Response, StatusCode, Version};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_rotating_auth::{
    Rotating, RotatingAuthLayer, Secret,
    inbound::policy::RoutePolicy,
    inbound::{DangerouslyOpen, RequestBody, RequireKey, RequireKeyLayer},
    outbound::{Credential, InjectKeyLayer, RotatingCredential},
};

use super::keys::{self, VALID, require_key};
use super::layer::{Echo, ask, get, with};
use crate::outbound::{ORIGIN, URL, World};
use crate::support::Probe;

/// Returns a service that counts its calls.
fn served(
    calls: Arc<AtomicUsize>,
) -> impl Service<
    Request<RequestBody<String>>,
    Response = Response<String>,
    Error = Infallible,
    Future: Send,
> + Clone {
    Probe::new(service_fn(move |_: Request<RequestBody<String>>| {
        calls.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::new("served".into())))
    }))
}

#[tokio::test]
async fn only_ready_instance_is_called() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let calls = Arc::<AtomicUsize>::default();
    let mut service = require_key(keys).layer(served(Arc::clone(&calls)));
    for n in 1..=3 {
        let ready = ServiceExt::<Request<String>>::ready(&mut service)
            .await
            .unwrap();
        let response = ready.call(with("/", VALID)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        for refused in [get("/"), with("/", "nobody"), with("/never", VALID)] {
            let response = service.clone().oneshot(refused).await.unwrap();
            assert_ne!(response.status(), StatusCode::OK);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 2 * n - 1);
        let response = service.clone().oneshot(with("/", VALID)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn refused_request_leaves_service_ready() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let mut service = require_key(keys).layer(served(Arc::default()));
    let ready = ServiceExt::<Request<String>>::ready(&mut service)
        .await
        .unwrap();
    assert_eq!(ready.call(get("/")).await.unwrap().status(), 401);
    // The inner service was not called, so it is still ready.
    assert_eq!(service.call(with("/", VALID)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn poll_ready_waits_for_inner_service() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let (mut service, mut handle) =
        tower_test::mock::spawn_layer::<Request<RequestBody<String>>, Response<String>, _>(
            require_key(keys),
        );
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut answer = task::spawn(service.call(with("/", VALID)));
    assert_pending!(answer.poll());
    let (request, reply) = handle.next_request().await.unwrap();
    assert!(request.headers().is_empty());
    reply.send_response(Response::new("done".into()));
    assert_eq!(answer.await.unwrap().status(), 200);
    assert_pending!(service.poll_ready());
}

#[tokio::test]
async fn inner_errors_pass_through() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let (mut service, mut handle) =
        tower_test::mock::spawn_layer::<Request<RequestBody<String>>, Response<String>, _>(
            require_key(keys),
        );
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let answer = service.call(with("/", VALID));
    let (_, reply) = handle.next_request().await.unwrap();
    reply.send_error("inner error");
    assert_eq!(answer.await.unwrap_err().to_string(), "inner error");
    handle.send_error("broken");
    let error = std::future::poll_fn(|_| service.poll_ready())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "broken");
}

#[test]
fn service_is_send_sync_and_gives_inner_back() {
    fn check<S>(service: S) -> S
    where
        S: Service<Request<String>, Future: Send> + Clone + Send + Sync + 'static,
    {
        service
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let service: RequireKey<Echo> = check(require_key(keys).layer(Echo));
    let Echo = service.inner();
    let Echo = service.into_inner();
}

/// Returns the upstream for a layer that hands it bodies which the client's key guards.
fn upstream(
    world: &World,
) -> impl Service<
    Request<RequestBody<String>>,
    Response = Response<String>,
    Error = Infallible,
    Future: Send,
> + Clone {
    let unguarded = |request: Request<RequestBody<String>>| request.map(RequestBody::into_inner);
    world.upstream().map_request(unguarded)
}

#[tokio::test(start_paused = true)]
async fn gateway_replaces_client_key_with_its_own() {
    let world = World::new("ours");
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let layer = RotatingAuthLayer::new()
        .require(require_key(keys))
        .inject(world.inject().await);
    let service = layer.layer(upstream(&world));

    for (name, value) in [
        ("authorization", format!("Bearer {VALID}")),
        ("x-api-key", VALID.into()),
    ] {
        let request = Request::get(URL).header(name, value);
        let answer = ask(&service, request.body("a".into()).unwrap()).await;
        assert_eq!(
            (answer.status(), answer.body().as_str()),
            (StatusCode::OK, "a")
        );
    }
    // A placeholder such as SDKs send beside the real key, and a key on a public route.
    let request = Request::get("https://api.example.com/public")
        .header("authorization", "Bearer not-needed")
        .header("api-key", VALID);
    assert_eq!(
        ask(&service, request.body("b".into()).unwrap())
            .await
            .status(),
        200
    );
    assert_eq!(ask(&service, with(URL, "not-needed")).await.status(), 401);

    let seen = world.seen();
    assert_eq!(seen.len(), 3, "{seen:?}");
    for request in seen {
        assert_eq!(request.header("authorization"), Some("Bearer ours"));
        let described = format!("{:?} {:?}", request.uri, request.headers);
        assert!(
            !described.contains(VALID) && !described.contains("not-needed"),
            "{described}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn halves_combine_in_either_order_and_open_mode() {
    let world = World::new("ours");
    let loopback = DangerouslyOpen::on_loopback("[::1]:1".parse().unwrap()).unwrap();
    let layer = RotatingAuthLayer::new()
        .inject(world.inject().await)
        .require(RequireKeyLayer::dangerously_open(loopback));
    let service = layer.layer(upstream(&world));
    for request in [with(URL, "not-needed"), with(URL, VALID), get(URL)] {
        assert_eq!(ask(&service, request).await.status(), 200);
    }
    for request in world.seen() {
        assert_eq!(request.header("authorization"), Some("Bearer ours"));
    }
}

#[tokio::test(start_paused = true)]
async fn upstream_rejection_is_not_a_client_error() {
    let world = World::new("ours");
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let service = ServiceBuilder::new()
        .layer(require_key(keys))
        .layer(world.inject().await)
        .service(upstream(&world));
    world.rotate("new");
    assert_eq!(ask(&service, with(URL, VALID)).await.status(), 200);
    assert_eq!(world.seen().len(), 2, "rejected, refreshed, replayed");
    let (dead, _dead) =
        RotatingCredential::manual(Credential::bearer(&Secret::from("dead")).unwrap());
    let (keys, _keys) = Rotating::manual(keys::keys());
    let service = RotatingAuthLayer::new()
        .require(require_key(keys))
        .inject(InjectKeyLayer::new(ORIGIN, dead).unwrap())
        .layer(upstream(&world));
    let answer = ask(&service, with(URL, VALID)).await;
    assert_eq!(answer.body(), "the upstream's own words");
}

fn preflight(uri: &str) -> Request<String> {
    Request::options(uri)
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .body(String::new())
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn gateway_layer_requires_key_for_preflight() {
    let world = World::new("ours");
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let require = || require_key(keys.clone());
    let services = [
        RotatingAuthLayer::new()
            .require(require())
            .inject(world.inject().await),
        RotatingAuthLayer::new()
            .inject(world.inject().await)
            .require(require()),
    ]
    .map(|layer| layer.layer(upstream(&world)));
    for service in services {
        assert_eq!(ask(&service, preflight(URL)).await.status(), 401);
    }
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn denied_route_refuses_preflight() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let policy = RoutePolicy::new().deny(Method::OPTIONS, "/never").unwrap();
    let layer = RequireKeyLayer::new(keys).policy(policy);
    let passing = layer.clone().pass_preflights().layer(Echo);
    for service in [layer.layer(Echo), passing] {
        assert_eq!(ask(&service, preflight("/never")).await.status(), 403);
    }
}

#[tokio::test]
async fn preflight_needs_a_key_unless_told_otherwise() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let layer = RequireKeyLayer::new(keys);
    let closed = layer.layer(Echo);
    assert_eq!(ask(&closed, preflight("/")).await.status(), 401);
    let mut with_key = preflight("/");
    with_key
        .headers_mut()
        .extend(with("/", VALID).headers().clone());
    assert_eq!(ask(&closed, with_key).await.status(), 200);

    let passing = layer.pass_preflights().layer(Echo);
    assert_eq!(ask(&passing, preflight("/")).await.status(), 200);
    let mut plain = preflight("/");
    plain.headers_mut().remove("origin");
    assert_eq!(ask(&passing, plain).await.status(), 401);
}

#[tokio::test]
async fn only_grpc_calls_get_grpc_errors() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let service = require_key(keys).layer(Echo);
    for (method, version, status) in [
        (Method::POST, Version::HTTP_2, 200),
        (Method::GET, Version::HTTP_2, 401),
        // A client of HTTP/1 does not choose the status of its refusal.
        (Method::POST, Version::HTTP_11, 401),
        (Method::POST, Version::HTTP_10, 401),
    ] {
        let mut request = get("/");
        *request.method_mut() = method;
        *request.version_mut() = version;
        let grpc = "application/grpc".parse().unwrap();
        request.headers_mut().insert("content-type", grpc);
        let answer = ask(&service, request).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().contains_key("grpc-status"), status == 200);
    }
}
