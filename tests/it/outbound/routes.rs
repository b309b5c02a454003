//! Several keys in one layer.

use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_rotating_auth::{
    Secret,
    outbound::adapter::ClientAdapter,
    outbound::{
        AuthScheme, ConfigErrorKind, Credential, InjectKeyLayer, Outcome, RotatingCredential, Route,
    },
};

use super::get;

fn rotating(credential: Credential) -> RotatingCredential {
    RotatingCredential::manual(credential).0
}

fn bearer(key: &str) -> Credential {
    Credential::bearer(&Secret::from(key)).unwrap()
}

fn route(url: &str, key: &str) -> Route {
    Route::new(url, rotating(bearer(key))).unwrap()
}

fn keys_on(headers: &HeaderMap) -> String {
    let mut keys: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    keys.sort();
    keys.join("\n")
}

/// Returns the headers that a request to `uri` has when it reaches the client.
async fn sent(inject: &InjectKeyLayer, uri: &str) -> String {
    let echo = service_fn(|request: Request<String>| {
        ready(Ok::<_, Infallible>(Response::new(keys_on(
            request.headers(),
        ))))
    });
    let response = inject.layer(echo).oneshot(get(uri)).await.unwrap();
    response.into_body()
}

#[tokio::test]
async fn each_origin_gets_its_own_key_and_header() {
    let secret = |key: &str| Secret::from(key);
    let inject = InjectKeyLayer::routes(
        [
            ("https://api.openai.com", bearer("k-1")),
            (
                "https://api.anthropic.com",
                Credential::x_api_key(&secret("k-2")).unwrap(),
            ),
            (
                "https://models.openai.azure.com",
                Credential::api_key(&secret("k-3")).unwrap(),
            ),
            (
                "https://generativelanguage.googleapis.com",
                Credential::x_goog_api_key(&secret("k-4")).unwrap(),
            ),
            (
                "https://search.example.com:9200",
                Credential::scheme(&AuthScheme::API_KEY, &secret("k-5")).unwrap(),
            ),
            (
                "http://127.0.0.1:8086",
                Credential::scheme(&AuthScheme::TOKEN, &secret("k-6")).unwrap(),
            ),
        ]
        .map(|(url, credential)| Route::new(url, rotating(credential)).unwrap()),
    )
    .unwrap();
    for (uri, header) in [
        (
            "https://api.openai.com/v1/models",
            "authorization: Bearer k-1",
        ),
        ("https://API.anthropic.com:443/v1", "x-api-key: k-2"),
        ("https://models.openai.azure.com/openai", "api-key: k-3"),
        (
            "https://generativelanguage.googleapis.com/v1beta/models",
            "x-goog-api-key: k-4",
        ),
        (
            "https://search.example.com:9200/_bulk",
            "authorization: ApiKey k-5",
        ),
        ("http://127.0.0.1:8086/query", "authorization: Token k-6"),
        ("https://search.example.com/_bulk", ""),
        ("https://api.openai.com.evil.test/v1/models", ""),
        ("/v1/models", ""),
    ] {
        assert_eq!(sent(&inject, uri).await, header, "{uri}");
    }
}

#[tokio::test]
async fn longest_path_wins_in_any_order() {
    let routes = [
        route("https://gateway.test", "all"),
        route("https://gateway.test/openai/", "openai"),
        route("https://gateway.test/openai/beta", "beta"),
        route("https://other.test/openai/beta/more", "other"),
    ];
    let mut reversed = routes.clone();
    reversed.reverse();
    for routes in [routes, reversed] {
        let inject = InjectKeyLayer::routes(routes).unwrap();
        for (path, key) in [
            ("/", "all"),
            ("/openai", "openai"),
            ("/openai/", "openai"),
            ("/openai?beta", "openai"),
            ("/openai/v1/beta", "openai"),
            ("/openai/beta", "beta"),
            ("/openai/beta/more", "beta"),
            ("/openai/betamax", "openai"),
            ("/openaix", "all"),
            ("/OpenAI", "all"),
        ] {
            let uri = format!("https://gateway.test{path}");
            let header = format!("authorization: Bearer {key}");
            assert_eq!(sent(&inject, &uri).await, header, "{path}");
        }
    }
}

#[tokio::test]
async fn ambiguous_path_gets_no_key() {
    let inject = InjectKeyLayer::routes([
        route("https://gateway.test", "all"),
        route("https://gateway.test/openai", "openai"),
        route("https://plain.test", "plain"),
    ])
    .unwrap();
    for path in [
        "/openai/../admin",
        "/openai/%2e%2e/admin",
        "/openai%2fv1",
        "/openai//v1",
        "/%6fpenai",
        "/x/../openai",
    ] {
        let uri = format!("https://gateway.test{path}");
        assert_eq!(sent(&inject, &uri).await, "", "{path}");
        let uri = format!("https://plain.test{path}");
        let sent = sent(&inject, &uri).await;
        assert_eq!(sent, "authorization: Bearer plain", "{path}");
    }
}

#[tokio::test]
async fn path_only_request_uses_assumed_routes() {
    let inject = InjectKeyLayer::routes([
        route("https://gateway.test/openai", "openai"),
        route("https://other.test", "other"),
    ])
    .unwrap()
    .assume_origin("https://gateway.test")
    .unwrap();
    let with_key = "authorization: Bearer openai";
    assert_eq!(sent(&inject, "/openai/v1").await, with_key);
    assert_eq!(sent(&inject, "/v1").await, "");
    assert_eq!(sent(&inject, "/openai/../v1").await, "");
}

#[tokio::test]
async fn factory_gets_only_whole_origin_key() {
    for (url, expected) in [
        ("https://api.test", "authorization: Bearer key"),
        ("https://api.test/v1", ""),
    ] {
        let inject = InjectKeyLayer::routes([route(url, "key")]).unwrap();
        let inject = inject.assume_origin("https://api.test").unwrap();
        let adapter = ClientAdapter::for_factory(|factory: &HeaderMap, name, value| {
            let mut factory = factory.clone();
            factory.insert(name, value);
            factory
        });
        let adapter = adapter.rejects(|_: &Result<String, Infallible>| false);
        let builds = service_fn(|factory: HeaderMap| ready(Ok(keys_on(&factory))));
        let client = inject.adapter(adapter).layer(builds);
        let sent = client.oneshot(HeaderMap::new()).await.unwrap();
        assert_eq!(sent, expected, "{url}");
    }
}

#[tokio::test]
async fn rejected_key_is_replaced_by_its_successor() {
    let (one, mut publish_one) = RotatingCredential::manual(bearer("one-old"));
    let (two, mut publish_two) = RotatingCredential::manual(bearer("two-old"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let upstream = service_fn({
        let seen = Arc::clone(&seen);
        move |request: Request<String>| {
            let sent = keys_on(request.headers());
            let status = if sent.ends_with("-old") { 401 } else { 200 };
            seen.lock().unwrap().push(sent);
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            ready(Ok::<_, Infallible>(response))
        }
    });
    let mut client = InjectKeyLayer::routes([
        Route::new("https://one.test", one.clone()).unwrap(),
        Route::new("https://two.test", two.clone()).unwrap(),
    ])
    .unwrap()
    .layer(upstream);
    for uri in ["https://one.test/", "https://two.test/"] {
        let answer = client.ready().await.unwrap().call(get(uri));
        if uri.contains("one") {
            publish_one.publish(bearer("one-new"));
        } else {
            publish_two.publish(bearer("two-new"));
        }
        let response = answer.await.unwrap();
        let outcome = response.extensions().get();
        assert!(outcome.is_some_and(Outcome::is_replayed), "{uri}");
    }
    assert_eq!(
        *seen.lock().unwrap(),
        ["one-old", "one-new", "two-old", "two-new"]
            .map(|key| format!("authorization: Bearer {key}"))
    );
    let generations = [one, two].map(|key| key.current().generation().get());
    assert_eq!(generations, [2, 2]);
}

#[test]
fn empty_and_duplicate_routes_have_a_kind() {
    let none = InjectKeyLayer::routes([]).unwrap_err();
    assert_eq!(none.kind(), ConfigErrorKind::NoRoutes);
    assert_eq!((none.route(), none.positions()), (None, None));

    let twice = InjectKeyLayer::routes([
        route("https://a.test/v1", "1"),
        route("https://b.test/v1", "2"),
        route("https://A.test:443/v1/", "3"),
    ]);
    let twice = twice.unwrap_err();
    assert_eq!(twice.kind(), ConfigErrorKind::DuplicateRoute);
    assert_eq!(twice.route(), Some("https://a.test/v1"));
    assert_eq!(twice.positions(), Some((0, 2)));
    let text = twice.to_string();
    assert!(
        text.contains("routes 0 and 2") && text.contains("https://a.test/v1"),
        "{text}"
    );
}

#[test]
fn invalid_route_has_a_kind() {
    for (url, why) in [
        ("gateway.test/v1", ConfigErrorKind::InvalidUrl),
        ("ftp://gateway.test/v1", ConfigErrorKind::UrlScheme),
        ("https://user@gateway.test/v1", ConfigErrorKind::UserInfo),
        ("http://gateway.test/v1", ConfigErrorKind::Cleartext),
        ("https://gateway.test/v1/../v2", ConfigErrorKind::RoutePath),
        ("https://gateway.test//v1", ConfigErrorKind::RoutePath),
        ("https://gateway.test/v%31", ConfigErrorKind::RoutePath),
        ("https://gateway.test/v1?a=b", ConfigErrorKind::RoutePath),
        ("https://gateway.test/v1#a", ConfigErrorKind::RoutePath),
    ] {
        let key = rotating(bearer("key"));
        assert_eq!(Route::new(url, key).unwrap_err().kind(), why, "{url}");
    }
    let cleartext = Route::cleartext("http://gateway.test/v1", rotating(bearer("key")));
    assert_eq!(cleartext.unwrap().to_string(), "http://gateway.test/v1");
}
