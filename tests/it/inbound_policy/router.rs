//! What the policies are asked about, depending on where in an axum application they are asked.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{any, get};
use http::Method;
use tower::ServiceExt;
use tower_rotating_auth::inbound::policy::{Access, Decision, DecisionReason, RoutePolicy};

use super::law::gated;

fn policies() -> RoutePolicy {
    let policies = RoutePolicy::new().public(Method::GET, "/health").unwrap();
    let template = "/v1/models/{id}";
    policies.optional_template(Method::GET, template).unwrap()
}

async fn decided(router: &Router, method: Method, uri: &str) -> Decision {
    let request = Request::builder().method(method).uri(uri);
    let request = request
        .header("host", "/health")
        .body(Body::empty())
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    response.extensions().get::<Decision>().unwrap().clone()
}

#[tokio::test]
async fn a_layer_of_the_router_sees_whole_paths_and_templates() {
    let router = Router::new()
        .route("/health", any(|| async {}))
        .nest("/v1", Router::new().route("/models/{id}", get(|| async {})));
    let router = gated(router, policies());
    for (method, uri, why, open) in [
        (Method::GET, "/health", DecisionReason::Exact, true),
        (Method::HEAD, "/health", DecisionReason::Exact, true),
        (Method::GET, "/health?a=/admin", DecisionReason::Exact, true),
        (Method::POST, "/health", DecisionReason::Unlisted, false),
        (Method::OPTIONS, "/health", DecisionReason::Unlisted, false),
        (
            Method::GET,
            "/v1/models/gpt",
            DecisionReason::Template,
            true,
        ),
        (
            Method::GET,
            "/v1/models/a%2fb",
            DecisionReason::SuspiciousPath,
            false,
        ),
        // Answered by axum itself.
        (
            Method::POST,
            "/v1/models/gpt",
            DecisionReason::Unlisted,
            false,
        ),
        (Method::GET, "/v1/models", DecisionReason::Unlisted, false),
        // A proxy's way to write it: neither that host nor the one in the headers is the path.
        (
            Method::GET,
            "http://a.example/health",
            DecisionReason::Exact,
            true,
        ),
        (
            Method::GET,
            "http://health/admin",
            DecisionReason::Unlisted,
            false,
        ),
        (
            Method::GET,
            "http://a.example",
            DecisionReason::Unlisted,
            false,
        ),
    ] {
        let decision = decided(&router, method.clone(), uri).await;
        assert_eq!(decision.reason(), why, "{method} {uri}");
        assert_eq!(decision.access().is_open(), open, "{method} {uri}");
    }
}

#[tokio::test]
async fn a_layer_of_a_nested_router_sees_the_rest_of_the_path_and_whole_templates() {
    let inner = Router::new()
        .route("/health", get(|| async {}))
        .route("/models/{id}", get(|| async {}));
    let router = Router::new().nest("/v1", gated(inner, policies()));
    let health = decided(&router, Method::GET, "/v1/health").await;
    assert_eq!(health.reason(), DecisionReason::Exact);
    let model = decided(&router, Method::GET, "/v1/models/gpt").await;
    assert_eq!(model.access(), &Access::Optional);
}

#[tokio::test]
async fn around_the_router_there_are_no_templates() {
    let inner = Router::new().route("/v1/models/{id}", get(|| async {}));
    let router = gated(Router::new().fallback_service(inner), policies());
    let model = decided(&router, Method::GET, "/v1/models/gpt").await;
    assert_eq!(model.reason(), DecisionReason::Unlisted);
    assert!(!model.access().is_open());
}
