//! What caches are told about responses to requests with a key.

use std::convert::Infallible;

use http::{HeaderName, HeaderValue, Method, Request, Response};
use tower::{Layer, service_fn};
use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::{KeyLocation, KeyLocations, RequireKeyLayer};

use super::keys::{self, VALID};
use super::layer::{ask, get, with};

const VARY: &str = "authorization, x-api-key, api-key, sec-websocket-protocol";

/// Returns `Vary` and all lines of `Cache-Control`.
async fn caching(
    request: Request<String>,
    own: Option<&'static str>,
) -> (Option<String>, Vec<String>) {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let host = service_fn(move |_: Request<_>| async move {
        let mut response = Response::new(String::new());
        if let Some(own) = own {
            let own = HeaderValue::from_static(own);
            response.headers_mut().insert("cache-control", own);
        }
        Ok::<_, Infallible>(response)
    });
    let answer = ask(&keys::require_key(keys).layer(host), request).await;
    let lines = |name| {
        let lines = answer.headers().get_all(name).iter();
        lines
            .map(|line| line.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    (lines("vary").pop(), lines("cache-control"))
}

fn in_header(path: &str) -> Request<String> {
    let mut request = get(path);
    request
        .headers_mut()
        .insert("x-api-key", VALID.parse().unwrap());
    request
}

#[tokio::test]
async fn response_to_key_outside_authorization_is_private() {
    let private = (Some(VARY.to_owned()), vec!["private".to_owned()]);
    let query = || get(&format!("/?key={VALID}"));
    assert_eq!(caching(in_header("/"), None).await, private);
    assert_eq!(caching(query(), None).await, private);
    assert_eq!(caching(in_header("/optional"), None).await, private);
    let (_, lines) = caching(in_header("/"), Some("max-age=60")).await;
    assert_eq!(lines, ["max-age=60", "private"]);
    for own in [
        "no-store",
        "Private",
        "public, max-age=60",
        "s-maxage=1",
        "must-revalidate",
    ] {
        let (vary, lines) = caching(in_header("/"), Some(own)).await;
        assert_eq!((vary.as_deref(), lines), (Some(VARY), vec![own.to_owned()]));
    }
}

#[tokio::test]
async fn response_varies_where_a_key_is_optional() {
    let varies = (Some(VARY.to_owned()), vec![]);
    for path in ["/optional", "/lenient"] {
        assert_eq!(caching(get(path), None).await, varies);
        assert_eq!(caching(with(path, VALID), None).await, varies);
    }
}

#[tokio::test]
async fn other_responses_stay_as_they_are() {
    let nothing = (None, vec![]);
    assert_eq!(caching(with("/", VALID), None).await, nothing);
    assert_eq!(caching(get("/public"), None).await, nothing);
    let mut post = in_header("/");
    *post.method_mut() = Method::POST;
    assert_eq!(caching(post, None).await, nothing);
}

#[tokio::test]
async fn key_in_query_alone_needs_no_vary() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let query = KeyLocations::new([KeyLocation::Query("key".into())]).unwrap();
    let layer = RequireKeyLayer::new(keys).locations(query);
    let answer = ask(
        &layer.layer(super::layer::Echo),
        get(&format!("/?key={VALID}")),
    )
    .await;
    let header = |name: &'static str| answer.headers().get(HeaderName::from_static(name)).cloned();
    assert_eq!(header("vary"), None);
    assert_eq!(header("cache-control").unwrap(), "private");
}
