//! What the policies are asked about, depending on where in an axum application they are asked.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{any, get};
use http::Method;
use tower::ServiceExt;
use tower_rotating_auth::{Access, Decision, Policies, Why};

use super::law::gated;

fn policies() -> Policies {
    let policies = Policies::new().public(Method::GET, "/health").unwrap();
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
        (Method::GET, "/health", Why::Exact, true),
        (Method::HEAD, "/health", Why::Exact, true),
        (Method::GET, "/health?a=/admin", Why::Exact, true),
        (Method::POST, "/health", Why::Unlisted, false),
        (Method::OPTIONS, "/health", Why::Unlisted, false),
        (Method::GET, "/v1/models/gpt", Why::Template, true),
        (Method::GET, "/v1/models/a%2fb", Why::SuspiciousPath, false),
        // Answered by axum itself.
        (Method::POST, "/v1/models/gpt", Why::Unlisted, false),
        (Method::GET, "/v1/models", Why::Unlisted, false),
        // A proxy's way to write it: neither that host nor the one in the headers is the path.
        (Method::GET, "http://a.example/health", Why::Exact, true),
        (Method::GET, "http://health/admin", Why::Unlisted, false),
        (Method::GET, "http://a.example", Why::Unlisted, false),
    ] {
        let decision = decided(&router, method.clone(), uri).await;
        assert_eq!(decision.why(), why, "{method} {uri}");
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
    assert_eq!(health.why(), Why::Exact);
    let model = decided(&router, Method::GET, "/v1/models/gpt").await;
    assert_eq!(model.access(), &Access::Optional);
}

#[tokio::test]
async fn around_the_router_there_are_no_templates() {
    let inner = Router::new().route("/v1/models/{id}", get(|| async {}));
    let router = gated(Router::new().fallback_service(inner), policies());
    let model = decided(&router, Method::GET, "/v1/models/gpt").await;
    assert_eq!(model.why(), Why::Unlisted);
    assert!(!model.access().is_open());
}
