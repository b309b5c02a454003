//! Tests with an axum router: around it, on its routes, nested, with CORS, and with extractors.

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response as AxumResponse;
use axum::routing::get;
use http::{Method, Response, StatusCode, Uri};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::cors::{AllowHeaders, CorsLayer};
use tower_rotating_auth::{
    Rotating,
    inbound::policy::RoutePolicy,
    inbound::{
        Auth, AuthError, AuthErrorKind, AuthErrorResponse, DangerouslyOpen, ErrorFormat, Principal,
        RequireKeyLayer,
    },
};

use super::whole;
use crate::inbound::keys::{self, ADMIN, EXPIRED, UNKNOWN, VALID, cases, require_key, seen};
use crate::inbound::layer::{self, Answer, check};
use crate::support::Traced;

async fn echo(request: Request) -> String {
    seen(&request)
}

fn routes() -> Router {
    ["/", "/public", "/optional", "/lenient", "/admin", "/never"]
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, get(echo)))
}

async fn ask(router: &Router, request: http::Request<String>) -> Answer {
    let response: Response<Body> = router
        .clone()
        .oneshot(request.map(Body::from))
        .await
        .unwrap();
    whole(response).await
}

fn caller(answer: &Answer) -> &str {
    assert_eq!(answer.status(), StatusCode::OK, "{answer:?}");
    answer.body().lines().next().unwrap()
}

#[tokio::test]
async fn axum_router_answers_all_cases() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let require_key = require_key(keys);
    let routers = [
        routes().layer(require_key.clone()),
        routes().route_layer(require_key.clone()),
        Router::new().merge(routes().layer(require_key.clone())),
        Router::new()
            .fallback_service(routes())
            .layer(require_key.clone()),
        routes().layer(ServiceBuilder::new().layer(require_key)),
    ];
    for router in routers {
        for case in cases() {
            check(&case, &ask(&router, case.request()).await);
        }
    }
}

#[tokio::test]
async fn unknown_path_needs_key_only_around_router() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let around = routes().layer(require_key(keys.clone()));
    let on_routes = routes().route_layer(require_key(keys));
    let path = "/no/such/path";
    assert_eq!(ask(&around, layer::get(path)).await.status(), 401);
    assert_eq!(ask(&around, layer::with(path, VALID)).await.status(), 404);
    assert_eq!(ask(&on_routes, layer::get(path)).await.status(), 404);
}

#[tokio::test]
async fn policy_matches_router_template() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let policy = RoutePolicy::new()
        .optional_template(Method::GET, "/v1/models/{id}")
        .and_then(|policy| {
            let admin = "admin:all".parse().unwrap();
            policy.required_template(Method::GET, "/v1/models/{id}/weights", admin)
        });
    let require_key = RequireKeyLayer::new(keys).policy(policy.unwrap());
    let models = || {
        Router::new()
            .route("/models", get(echo))
            .route("/models/{id}", get(echo))
            .route("/models/{id}/weights", get(echo))
    };
    for router in [
        Router::new()
            .nest("/v1", models())
            .layer(require_key.clone()),
        Router::new()
            .nest("/v1", models())
            .route_layer(require_key.clone()),
        Router::new().nest("/v1", models().layer(require_key.clone())),
        Router::new().nest("/v1", models().route_layer(require_key.clone())),
    ] {
        assert_eq!(
            caller(&ask(&router, layer::get("/v1/models/a")).await),
            "anonymous"
        );
        for path in [
            "/v1/models",
            "/v1/models/a/weights",
            "/v1/models/%2e%2e",
            "/v1/models/a%2Fb",
        ] {
            assert_eq!(ask(&router, layer::get(path)).await.status(), 401, "{path}");
        }
        assert_eq!(
            caller(&ask(&router, layer::with("/v1/models", VALID)).await),
            "valid by valid"
        );
        let weights = |token| layer::with("/v1/models/a/weights", token);
        assert_eq!(ask(&router, weights(VALID)).await.status(), 403);
        assert_eq!(
            caller(&ask(&router, weights(ADMIN)).await),
            "admin by admin"
        );
    }
}

#[tokio::test]
async fn outer_layer_passes_principal_on() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let scopes = RoutePolicy::new().required(Method::GET, "/", "admin:all".parse().unwrap());
    let inner = RequireKeyLayer::new(keys.clone()).policy(scopes.unwrap());
    let router = Router::new()
        .route("/", get(echo).layer(inner))
        .layer(RequireKeyLayer::new(keys));
    assert_eq!(
        caller(&ask(&router, layer::with("/", ADMIN)).await),
        "admin by admin"
    );
    assert_eq!(ask(&router, layer::with("/", VALID)).await.status(), 403);
}

#[tokio::test]
async fn outer_cors_layer_adds_headers_to_errors() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let cors = CorsLayer::new()
        .allow_origin(["https://app.example.com".parse().unwrap()])
        .allow_methods([Method::GET])
        .allow_headers(AllowHeaders::any())
        .expose_headers([http::header::WWW_AUTHENTICATE]);
    let router = routes()
        .layer(require_key(keys.clone()))
        .layer(cors.clone());
    let from_the_app = |mut request: http::Request<String>| {
        let origin = "https://app.example.com".parse().unwrap();
        request.headers_mut().insert("origin", origin);
        request
    };
    let preflight = || {
        let mut request = from_the_app(layer::get("/admin"));
        *request.method_mut() = Method::OPTIONS;
        for (name, value) in [
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", "authorization"),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    };
    for (request, status) in [
        (layer::get("/"), 401),
        (layer::with("/", EXPIRED), 401),
        (layer::with("/admin", VALID), 403),
        (layer::with("/", VALID), 200),
    ] {
        let answer = ask(&router, from_the_app(request)).await;
        assert_eq!(answer.status(), status);
        let headers = answer.headers();
        assert_eq!(
            headers["access-control-allow-origin"],
            "https://app.example.com"
        );
        assert_eq!(headers["access-control-expose-headers"], "www-authenticate");
    }
    // A preflight also reaches a CORS layer inside, if it may.
    let within = routes()
        .layer(cors)
        .layer(require_key(keys).pass_preflights());
    for router in [router, within] {
        let answer = ask(&router, preflight()).await;
        assert_eq!(answer.status(), 200);
        let headers = answer.headers();
        assert_eq!(
            headers["access-control-allow-origin"],
            "https://app.example.com"
        );
        assert_eq!(headers["access-control-allow-methods"], "GET");
        assert!(answer.body().is_empty());
    }
}

async fn who(Auth(key): Auth) -> String {
    key.client().to_string()
}

async fn perhaps(auth: Option<Auth>) -> String {
    auth.map_or_else(|| "nobody".into(), |Auth(key)| key.client().to_string())
}

async fn principal(principal: Principal) -> &'static str {
    match principal {
        Principal::Key(_) => "key",
        Principal::Anonymous(_) => "anonymous",
        Principal::Open => "open",
        _ => "something new",
    }
}

fn extracting() -> Router {
    Router::new()
        .route("/who", get(who))
        .route("/perhaps", get(perhaps))
        .route("/principal", get(principal))
}

async fn extracted(router: &Router, token: Option<&str>) -> Vec<Result<String, u16>> {
    let mut all = Vec::new();
    for path in ["/who", "/perhaps", "/principal"] {
        let request = match token {
            Some(token) => layer::with(path, token),
            None => layer::get(path),
        };
        let answer = ask(router, request).await;
        let status = answer.status();
        all.push(if status == 200 {
            Ok(answer.into_body())
        } else {
            Err(status.as_u16())
        });
    }
    all
}

fn said(text: &str) -> Result<String, u16> {
    Ok(text.to_owned())
}

#[tokio::test]
async fn extractors_return_client_or_reject() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let required = extracting().layer(RequireKeyLayer::new(keys.clone()));
    let valid = [said("valid"), said("valid"), said("key")];
    assert_eq!(extracted(&required, Some(VALID)).await, valid);
    assert_eq!(
        extracted(&required, None).await,
        [Err(401), Err(401), Err(401)]
    );

    let optional = ["/who", "/perhaps", "/principal"]
        .into_iter()
        .try_fold(RoutePolicy::new(), |policy, path| {
            policy.optional(Method::GET, path)
        });
    let error_response = AuthErrorResponse::new("R")
        .unwrap()
        .format(ErrorFormat::OpenAi);
    let optional = RequireKeyLayer::new(keys)
        .policy(optional.unwrap())
        .error_response(error_response);
    let optional = extracting().layer(optional);
    assert_eq!(extracted(&optional, Some(VALID)).await, valid);
    assert_eq!(
        extracted(&optional, Some(UNKNOWN)).await,
        [Err(401), Err(401), Err(401)]
    );
    let nobody = [Err(401), said("nobody"), said("anonymous")];
    assert_eq!(extracted(&optional, None).await, nobody);
    // An extractor rejects with the layer's own response.
    let answer = ask(&optional, layer::get("/who")).await;
    assert_eq!(answer.headers()["www-authenticate"], keys::BARE);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(answer.body().contains("\"param\":null"), "{answer:?}");
}

#[tokio::test]
async fn extractors_in_open_mode_have_no_client() {
    let loopback = DangerouslyOpen::on_loopback("127.0.0.1:1".parse().unwrap()).unwrap();
    let open = extracting().layer(RequireKeyLayer::dangerously_open(loopback));
    let nobody = [Err(401), said("nobody"), said("open")];
    assert_eq!(extracted(&open, Some(VALID)).await, nobody);
    assert_eq!(extracted(&open, None).await, nobody);
}

#[tokio::test]
async fn extractors_without_layer_respond_500_and_log() {
    let traced = Traced::new();
    let answers = extracted(&extracting(), Some(VALID)).await;
    assert_eq!(answers, [Err(500), Err(500), Err(500)]);
    assert_eq!(
        traced.text().matches("ERROR").count(),
        3,
        "{}",
        traced.text()
    );
    let answer = ask(&extracting(), layer::get("/who")).await;
    assert!(!answer.headers().contains_key("www-authenticate"));
    assert_eq!(answer.headers()["cache-control"], "no-store");

    // The same on a public route, where the layer checks no keys.
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let public = RoutePolicy::new().public(Method::GET, "/who").unwrap();
    let router = extracting().layer(RequireKeyLayer::new(keys).policy(public));
    assert_eq!(ask(&router, layer::with("/who", VALID)).await.status(), 500);
}

#[tokio::test]
async fn original_uri_has_no_token() {
    async fn uris(OriginalUri(original): OriginalUri, uri: Uri) -> String {
        format!("{original} {uri}")
    }
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let inner = Router::new().route("/models", get(uris));
    for router in [
        Router::new()
            .nest("/v1", inner.clone())
            .layer(require_key(keys.clone())),
        Router::new().nest("/v1", inner.layer(require_key(keys))),
    ] {
        let uri = format!("/v1/models?key={VALID}&limit=1");
        let answer = ask(&router, layer::get(&uri)).await;
        assert_eq!(answer.body(), "/v1/models?limit=1 /models?limit=1");
    }
}

#[tokio::test]
async fn auth_error_is_a_response_in_axum() {
    async fn forbidden() -> Result<&'static str, AuthError> {
        Err(AuthErrorKind::Forbidden.into())
    }
    async fn require_scope(request: Request, next: Next) -> Result<AxumResponse, AuthError> {
        if request.uri().path() == "/scope" {
            let scopes = "admin:all".parse().unwrap();
            return Err(AuthError::insufficient_scope(scopes));
        }
        Ok(next.run(request).await)
    }
    let router = Router::new()
        .route("/forbidden", get(forbidden))
        .route("/scope", get(forbidden))
        .layer(from_fn(require_scope));

    let answer = ask(&router, layer::get("/forbidden")).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(answer.body().contains("\"error\":\"forbidden\""));
    let error: Option<&AuthError> = answer.extensions().get();
    assert_eq!(error.map(AuthError::kind), Some(AuthErrorKind::Forbidden));

    let answer = ask(&router, layer::get("/scope")).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(
        answer.headers()["www-authenticate"],
        r#"Bearer realm="api", error="insufficient_scope", scope="admin:all""#
    );
}
