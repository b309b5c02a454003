//! Redirects across origins, in both orders.

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Error;
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_http::follow_redirect::policy::{FilterCredentials, Limited, PolicyExt};
use tower_rotating_auth::{
    outbound::adapter::ClientAdapter,
    outbound::{InjectKeyLayer, Origin, RotatingCredential},
};

use super::{Arrived, Wire, bearer, get, x_api_key};

const HOME: &str = "http://home.test";

/// Redirects from home to elsewhere, and back.
fn there_and_back(host: &str, path: &str) -> Option<&'static str> {
    match (host, path) {
        ("home.test", "/") => Some("http://elsewhere.test/"),
        ("elsewhere.test", "/") => Some("http://home.test/done"),
        _ => None,
    }
}

fn home(key: RotatingCredential) -> InjectKeyLayer {
    InjectKeyLayer::new(Origin::cleartext(HOME).unwrap(), key).unwrap()
}

/// Returns what arrives if only the hops at home carry the key.
fn at_home(key: &str, on_return: Option<&str>) -> [Arrived; 3] {
    [
        Arrived::at("home.test", "/", Some(key)),
        Arrived::at("elsewhere.test", "/", None),
        Arrived::at("home.test", "/done", on_return),
    ]
}

#[tokio::test]
async fn outer_follower_keys_each_hop_by_itself() {
    for (key, header) in [(bearer(), "Bearer key"), (x_api_key(), "key")] {
        let wire = Wire::listen(there_and_back).await;
        let client = ServiceBuilder::new()
            .layer(FollowRedirectLayer::new())
            .layer(home(key))
            .service(wire.client());
        client.oneshot(get(HOME)).await.unwrap();
        assert_eq!(wire.arrived(), at_home(header, Some(header)));
    }
}

#[tokio::test]
async fn inner_follower_strips_authorization() {
    let wire = Wire::listen(there_and_back).await;
    let client = ServiceBuilder::new()
        .layer(home(bearer()))
        .layer(FollowRedirectLayer::new())
        .service(wire.client());
    client.oneshot(get(HOME)).await.unwrap();
    assert_eq!(wire.arrived(), at_home("Bearer key", None));
}

#[tokio::test]
async fn remove_all_redirect_policy_strips_api_key_header() {
    let all = FilterCredentials::new().remove_all();
    let policy = Limited::default().and::<_, Full<Bytes>, Error>(all);
    let wire = Wire::listen(there_and_back).await;
    let client = ServiceBuilder::new()
        .layer(home(x_api_key()))
        .layer(FollowRedirectLayer::with_policy(policy))
        .service(wire.client());
    client.oneshot(get(HOME)).await.unwrap();
    assert_eq!(wire.arrived(), at_home("key", None));
}

fn over_reqwest(
    wire: &Wire,
    key: RotatingCredential,
    redirects: reqwest::redirect::Policy,
) -> impl tower::Service<
    reqwest::Request,
    Response = reqwest::Response,
    Error = reqwest::Error,
    Future: Send,
> {
    let adapter = ClientAdapter::new(
        reqwest::Request::url,
        reqwest::Request::headers_mut,
        reqwest::Request::try_clone,
    );
    let adapter = adapter.status(reqwest::Response::status);
    home(key).adapter(adapter).layer(wire.reqwest(redirects))
}

fn request(url: &str) -> reqwest::Request {
    reqwest::Request::new(http::Method::GET, url.parse().unwrap())
}

#[tokio::test]
async fn reqwest_redirect_strips_authorization() {
    let wire = Wire::listen(there_and_back).await;
    let client = over_reqwest(&wire, bearer(), reqwest::redirect::Policy::default());
    client.oneshot(request(HOME)).await.unwrap();
    assert_eq!(wire.arrived(), at_home("Bearer key", None));
}

#[tokio::test]
async fn reqwest_without_redirects_leaks_no_key() {
    let wire = Wire::listen(there_and_back).await;
    let client = over_reqwest(&wire, x_api_key(), reqwest::redirect::Policy::none());
    let response = client.oneshot(request(HOME)).await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(wire.arrived(), [Arrived::at("home.test", "/", Some("key"))]);
}

#[tokio::test]
async fn reqwest_same_origin_redirect_keeps_key() {
    let at_home = reqwest::redirect::Policy::custom(|hop| {
        let first = hop.previous().first().map(reqwest::Url::origin);
        if first == Some(hop.url().origin()) {
            hop.follow()
        } else {
            hop.stop()
        }
    });
    let wire = Wire::listen(|host, path| match (host, path) {
        ("home.test", "/") => Some("/moved"),
        ("home.test", "/moved") => Some("http://elsewhere.test/"),
        _ => None,
    })
    .await;
    let client = over_reqwest(&wire, x_api_key(), at_home);
    client.oneshot(request(HOME)).await.unwrap();
    assert_eq!(
        wire.arrived(),
        ["/", "/moved"].map(|path| Arrived::at("home.test", path, Some("key")))
    );
}
