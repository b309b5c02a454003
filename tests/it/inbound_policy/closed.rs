//! Routers with closed paths: whoever is served was allowed what the handler sees.

use std::convert::Infallible;

use axum::Router;
use axum::extract::{Extension, Path};
use axum::routing::{any, get};
use futures_util::FutureExt;
use http::{Method, Request, Uri, Version};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt};
use tower_rotating_auth::{
    Rotating,
    inbound::policy::RoutePolicy,
    inbound::{KeyDigest, KeyRecord, KeySet, RequireKeyLayer, Requirement, Scopes},
};

use super::law::{on_wire, readings};
use super::model::tidy;

pub(super) const WEAK: &str = "weak-8Zk1tQ0mVd7RyXw3LpHs5N";
pub(super) const ADMIN: &str = "admin-8Zk1tQ0mVd7RyXw3LpHs5N";

/// Paths that the weak key may not use, and one that it may.
pub(super) const CLOSED: [&str; 4] = ["/v1/m/@i", "/v1/m/reload", "/v1/files/a b/c", "/v1/m"];
pub(super) const OPEN: &str = "/v1/m/other";

fn keys() -> Rotating<KeySet> {
    let record = |id: &str, scopes: &str| {
        let scopes: Scopes = scopes.parse().unwrap();
        KeyRecord::new(id.parse().unwrap(), id.parse().unwrap(), scopes)
    };
    let set = KeySet::new([
        (KeyDigest::of(WEAK.as_bytes()), record("weak", "")),
        (KeyDigest::of(ADMIN.as_bytes()), record("admin", "admin")),
    ]);
    Rotating::manual(set.unwrap()).0
}

/// A layer whose paths start with `prefix` only if the layer sees it.
fn layer(prefix: &str) -> RequireKeyLayer {
    let admin = || -> Requirement { "admin".parse().unwrap() };
    let mut policy = RoutePolicy::new()
        .required_template(Method::GET, "/v1/files/{*rest}", Requirement::new())
        .unwrap();
    for method in [Method::GET, Method::POST] {
        let at = |path: &str| format!("{prefix}{path}");
        policy = policy
            .deny(method.clone(), &at("/m/@i"))
            .and_then(|policy| policy.required(method.clone(), &at("/m/reload"), admin()))
            .and_then(|policy| policy.deny(method.clone(), &at("/files/a%20b/c")))
            .and_then(|policy| policy.deny(method.clone(), &at("/m/")))
            .unwrap();
    }
    RequireKeyLayer::new(keys()).policy(policy)
}

pub(super) type Service =
    BoxCloneSyncService<Request<axum::body::Body>, axum::response::Response, Infallible>;

/// The path that a handler was asked for, as it sees it.
#[derive(Clone)]
pub(super) struct Seen(String);

/// Returns routers whose responses hold what their handlers saw.
pub(super) fn routers() -> Vec<(&'static str, Service)> {
    let own = || Router::new().nest("/v1", inner().layer(layer("")));
    let all = || Router::new().route("/{*rest}", any(raw));
    vec![
        ("on the routes", service(nested().layer(layer("/v1")))),
        ("route_layer", service(nested().route_layer(layer("/v1")))),
        ("in the nested router", service(own())),
        ("around the router", around(nested())),
        (
            "fallback",
            service(nested().fallback(raw).layer(layer("/v1"))),
        ),
        ("only a fallback", around(Router::new().fallback(raw))),
        ("any", service(all().layer(layer("/v1")))),
        ("any, around", around(all())),
    ]
}

fn inner() -> Router {
    let models = async |Path(id): Path<String>| Extension(Seen(format!("/v1/m/{id}")));
    let files = async |Path(rest): Path<String>| Extension(Seen(format!("/v1/files/{rest}")));
    Router::new()
        .route("/m/{id}", get(models).post(models))
        .route("/m/other", get(async || Extension(Seen(OPEN.to_owned()))))
        .route("/files/{*rest}", any(files))
}

pub(super) fn nested() -> Router {
    Router::new().nest("/v1", inner())
}

pub(super) async fn raw(uri: Uri) -> Extension<Seen> {
    Extension(Seen(uri.path().to_owned()))
}

fn service(router: Router) -> Service {
    BoxCloneSyncService::new(router)
}

/// Returns the router with the layer around it, which knows no templates there.
pub(super) fn around(router: Router) -> Service {
    service(Router::new().fallback_service(layer("/v1").layer(router)))
}

/// Returns the path that the handler saw, if the request was served.
pub(super) fn served(service: &Service, token: &str, uri: Uri, method: Method) -> Option<String> {
    let version = match uri.scheme() {
        Some(_) => Version::HTTP_2,
        None => Version::HTTP_11,
    };
    let request = Request::builder()
        .method(method)
        .version(version)
        .uri(uri)
        .header("authorization", format!("Bearer {token}"));
    let request = request.body(axum::body::Body::empty()).unwrap();
    let answer = service.clone().oneshot(request).now_or_never().unwrap();
    let Seen(path) = answer.unwrap().extensions_mut().remove()?;
    Some(path)
}

/// Asserts that no router serves the weak key with what it may not use, however the path reads.
pub(super) fn assert_closed(routers: &[(&str, Service)], path: &[u8]) {
    let Some(uri) = on_wire(path) else { return };
    let absolute = Uri::builder()
        .scheme("https")
        .authority("api.example.com")
        .path_and_query(path)
        .build();
    for (name, service) in routers {
        for uri in [Some(&uri), absolute.as_ref().ok()].into_iter().flatten() {
            for method in [Method::GET, Method::HEAD, Method::POST] {
                let Some(value) = served(service, WEAK, uri.clone(), method.clone()) else {
                    continue;
                };
                let seen: Vec<_> = readings(&value).iter().map(|path| tidy(path)).collect();
                let closed = CLOSED
                    .iter()
                    .find(|path| seen.contains(&path.as_bytes().to_vec()));
                assert_eq!(closed, None, "{name}: {method} {uri}, seen as {value}");
            }
        }
    }
}
