//! Redirects across origins, in both orders.

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Error;
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_http::follow_redirect::policy::{FilterCredentials, Limited, PolicyExt};
use tower_rotating_auth::{
    Rotating,
    outbound::adapter::ClientAdapter,
    outbound::{Credential, InjectKeyLayer, Origin},
};

use super::{Arrived, Wire, bearer, get, x_api_key};

const HOME: &str = "http://home.test";

/// From home to elsewhere, and back.
fn there_and_back(host: &str, path: &str) -> Option<&'static str> {
    match (host, path) {
        ("home.test", "/") => Some("http://elsewhere.test/"),
        ("elsewhere.test", "/") => Some("http://home.test/done"),
        _ => None,
    }
}

fn home(key: Rotating<Credential>) -> InjectKeyLayer {
    InjectKeyLayer::new(Origin::cleartext(HOME).unwrap(), key).unwrap()
}

/// What arrives where the key does at home and nowhere else.
fn at_home(key: &str, on_return: Option<&str>) -> [Arrived; 3] {
    [
        Arrived::at("home.test", "/", Some(key)),
        Arrived::at("elsewhere.test", "/", None),
        Arrived::at("home.test", "/done", on_return),
    ]
}

#[tokio::test]
async fn followed_outside_of_the_layer_each_hop_is_judged_by_itself() {
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
async fn followed_inside_of_the_layer_authorization_is_taken_off_by_the_follower() {
    let wire = Wire::listen(there_and_back).await;
    let client = ServiceBuilder::new()
        .layer(home(bearer()))
        .layer(FollowRedirectLayer::new())
        .service(wire.client());
    client.oneshot(get(HOME)).await.unwrap();
    assert_eq!(wire.arrived(), at_home("Bearer key", None));
}

#[tokio::test]
async fn followed_inside_of_the_layer_any_header_is_taken_off_by_a_follower_that_takes_all() {
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
    key: Rotating<Credential>,
    redirects: reqwest::redirect::Policy,
) -> impl tower::Service<
    reqwest::Request,
    Response = reqwest::Response,
    Error = reqwest::Error,
    Future: Send,
> {
    let seam = ClientAdapter::new(
        reqwest::Request::url,
        reqwest::Request::headers_mut,
        reqwest::Request::try_clone,
    );
    let seam = seam.status(reqwest::Response::status);
    home(key).seam(seam).layer(wire.reqwest(redirects))
}

fn request(url: &str) -> reqwest::Request {
    reqwest::Request::new(http::Method::GET, url.parse().unwrap())
}

#[tokio::test]
async fn redirects_that_reqwest_follows_by_itself_do_not_carry_authorization_elsewhere() {
    let wire = Wire::listen(there_and_back).await;
    let client = over_reqwest(&wire, bearer(), reqwest::redirect::Policy::default());
    client.oneshot(request(HOME)).await.unwrap();
    assert_eq!(wire.arrived(), at_home("Bearer key", None));
}

#[tokio::test]
async fn redirects_that_reqwest_does_not_follow_carry_no_key_at_all() {
    let wire = Wire::listen(there_and_back).await;
    let client = over_reqwest(&wire, x_api_key(), reqwest::redirect::Policy::none());
    let response = client.oneshot(request(HOME)).await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(wire.arrived(), [Arrived::at("home.test", "/", Some("key"))]);
}

#[tokio::test]
async fn redirects_that_reqwest_follows_at_home_alone_carry_the_key_there() {
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
