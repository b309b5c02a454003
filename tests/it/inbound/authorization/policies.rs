//! Requirements of routes: scopes, and clients on a list.

use http::Method;
use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::policy::RoutePolicy;
use tower_rotating_auth::inbound::{RequireKeyLayer, Requirement};

use super::{Answer, HERE, from, routes, send, serve, status};
use crate::inbound::keys::{self, ADMIN, VALID, record, set};

fn scopes(scopes: &str) -> tower_rotating_auth::inbound::Scopes {
    scopes.parse().unwrap()
}

async fn ask(url: &str, key: &str) -> Answer {
    send(from(HERE).get(url).bearer_auth(key)).await
}

#[tokio::test]
async fn refusal_names_the_scopes_of_this_operation() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let both = Requirement::new()
        .all_of(scopes("chat:write"))
        .any_of(scopes("admin:all tier:paid"));
    let policy = RoutePolicy::new()
        .required(Method::GET, "/both", both)
        .and_then(|policy| policy.required(Method::GET, "/other", scopes("files:read").into()));
    let require = RequireKeyLayer::new(keys).policy(policy.unwrap());
    let url = serve(routes().layer(require), |_| {}).await;
    assert_eq!(ask(&format!("{url}/both"), ADMIN).await.body, "admin");
    let refused = ask(&format!("{url}/both"), VALID).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.challenge,
        "Bearer realm=\"api\", error=\"insufficient_scope\", \
         scope=\"admin:all chat:write tier:paid\"",
    );
    let other = ask(&format!("{url}/other"), VALID).await.challenge;
    assert!(other.ends_with("scope=\"files:read\""), "{other}");
}

#[tokio::test]
async fn client_off_the_list_gets_no_challenge() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let admins = Requirement::new().clients(["admin".parse().unwrap()]);
    let policy = RoutePolicy::new().required_template(Method::GET, "/models/{id}", admins);
    let require = RequireKeyLayer::new(keys).policy(policy.unwrap());
    let url = serve(routes().layer(require), |_| {}).await;
    assert_eq!(ask(&format!("{url}/models/a"), ADMIN).await.body, "admin");
    let refused = ask(&format!("{url}/models/a"), VALID).await;
    assert_eq!((refused.status, &*refused.challenge), (403, ""));
    assert_eq!(ask(&format!("{url}/"), VALID).await.body, "valid");
}

#[tokio::test]
async fn nested_routers_never_widen() {
    let (keys, _publisher) = Rotating::manual(set([
        (VALID, record("valid", "outer")),
        (ADMIN, record("admin", "outer inner")),
        (keys::EARLY, record("early", "inner")),
    ]));
    let required = |scope: &str, path: &str| {
        let policy = RoutePolicy::new().required(Method::GET, path, scopes(scope).into());
        RequireKeyLayer::new(keys.clone()).policy(policy.unwrap())
    };
    let public = RoutePolicy::new().public(Method::GET, "/a").unwrap();
    let inner = routes().layer(required("inner", "/a"));
    let open = routes().layer(RequireKeyLayer::new(keys.clone()).policy(public));
    let app = axum::Router::new()
        .nest("/strict", inner)
        .nest("/open", open)
        .layer(required("outer", "/strict/a"))
        .layer(required("outer", "/open/a"));
    let url = serve(app, |_| {}).await;
    for (path, key, expected) in [
        ("/strict/a", VALID, 403),
        ("/strict/a", keys::EARLY, 403),
        ("/strict/a", ADMIN, 200),
        // The inner router exempts it, the outer one does not.
        ("/open/a", keys::EARLY, 403),
        ("/open/a", VALID, 200),
    ] {
        assert_eq!(
            status(&format!("{url}{path}"), key).await,
            expected,
            "{path} {key}"
        );
    }
    assert_eq!(
        send(from(HERE).get(format!("{url}/open/a"))).await.status,
        401
    );
}
