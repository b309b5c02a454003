//! Scopes that stand beside a route.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Method, Request, StatusCode};
use tower::ServiceExt;
use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::policy::RoutePolicy;
use tower_rotating_auth::inbound::{
    AuthError, DangerouslyOpen, EventKind, RequireKeyLayer, RequireScopesLayer,
};

use super::keys::{self, ADMIN, VALID};
use super::layer;
use crate::support::Traced;

fn routes() -> Router {
    let admin = RequireScopesLayer::new("admin:all".parse().unwrap());
    Router::new()
        .route("/m/{id}", get(async || "any"))
        .route("/m/reload", get(async || "admin").route_layer(admin))
}

async fn ask(router: &Router, request: Request<String>) -> (StatusCode, Option<AuthError>) {
    let answer = router
        .clone()
        .oneshot(request.map(Body::from))
        .await
        .unwrap();
    (answer.status(), answer.extensions().get().cloned())
}

#[tokio::test]
async fn route_requires_scopes_beside_it() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let (sender, events) = std::sync::mpsc::channel();
    let optional = RoutePolicy::new()
        .optional(Method::GET, "/m/reload")
        .unwrap();
    let layer = RequireKeyLayer::new(keys)
        .policy(optional)
        .observer(move |event| drop(sender.send(event.kind.clone())));
    let router = routes().layer(layer);
    assert_eq!(ask(&router, layer::with("/m/other", VALID)).await.0, 200);
    assert_eq!(ask(&router, layer::with("/m/reload", ADMIN)).await.0, 200);
    // The router does not take this for the other route, so neither does anybody else.
    assert_eq!(ask(&router, layer::with("/m/r%65load", VALID)).await.0, 200);

    let (status, error) = ask(&router, layer::with("/m/reload", VALID)).await;
    assert_eq!(status, 403);
    let error = error.unwrap();
    assert_eq!(error.client().unwrap().as_str(), "valid");
    assert_eq!(error.required_scopes().unwrap().to_string(), "admin:all");
    assert_eq!(ask(&router, layer::get("/m/reload")).await.0, 401);
    drop(router);
    let reasons: Vec<_> = events
        .into_iter()
        .filter_map(|event| match event {
            EventKind::Refused { reason, route, .. } => Some((reason, route.into_string())),
            EventKind::Used { .. } => None,
            other => panic!("{other:?}"),
        })
        .collect();
    let at = |reason| (reason, "/m/reload".to_owned());
    assert_eq!(reasons, [at("insufficient_scope"), at("missing")]);
}

#[tokio::test]
async fn unchecked_request_is_an_error_of_the_server() {
    let traced = Traced::new();
    assert_eq!(ask(&routes(), layer::with("/m/reload", ADMIN)).await.0, 500);
    assert!(traced.text().contains("RequireKeyLayer"));
    let loopback = DangerouslyOpen::on_loopback("127.0.0.1:1".parse().unwrap()).unwrap();
    let open = routes().layer(RequireKeyLayer::dangerously_open(loopback));
    assert_eq!(ask(&open, layer::get("/m/reload")).await.0, 200);
}
