//! What lines say about a request to an upstream, whatever the client and the body are.

use std::convert::Infallible;
use std::future::{Ready, ready};

use http::{HeaderMap, Method, Request, Response};
use serde_json::{Value, json};
use tower::{Layer, Service, service_fn};
use tower_rotating_auth::{
    Secret,
    audit::AuditLog,
    outbound::adapter::ClientAdapter,
    outbound::{Credential, InjectKeyLayer, Outcome, RotatingCredential, Route},
};

use crate::audit::{Lines, audit};
use crate::support::{Traced, pass, secs};

const URL: &str = "https://user:pass@API.example.com:8443/v1/chat?key=secret#part";

fn key(audit: &AuditLog) -> RotatingCredential {
    let builder = RotatingCredential::builder()
        .name("openai")
        .observer(audit.observer());
    let credential = Credential::bearer(&Secret::from("sk-1")).unwrap();
    builder.manual(credential).0
}

/// A body that can be sent once.
struct Once;

fn request<B>(url: &str, body: B) -> Request<B> {
    Request::builder()
        .method(Method::PUT)
        .uri(url)
        .header("x-request-id", "7")
        .body(body)
        .unwrap()
}

fn refused<B>(_: Request<B>) -> Ready<Result<Response<()>, Infallible>> {
    ready(Ok(Response::builder()
        .status(401)
        .header("www-authenticate", "Bearer error=\"invalid_token\"")
        .body(())
        .unwrap()))
}

/// Ends a log, and returns the fields of the only rejection.
async fn rejection(audit: AuditLog, lines: Lines) -> [Value; 5] {
    drop(audit);
    pass(secs(1)).await;
    let lines = lines.json();
    let mut rejected = lines.iter().filter(|line| line["event"] == "rejected");
    let line = rejected.next().unwrap_or_else(|| panic!("{lines:?}"));
    assert!(rejected.next().is_none());
    assert!(!line.to_string().contains("secret"), "{line}");
    assert!(!line.to_string().contains("pass"), "{line}");
    ["request_id", "method", "peer", "route", "reason"].map(|field| line[field].clone())
}

/// Sends a request, and returns what its line says.
async fn described<X, Q, S>(
    layer: impl FnOnce(RotatingCredential) -> InjectKeyLayer<X>,
    inner: S,
    request: Q,
) -> [Value; 5]
where
    InjectKeyLayer<X>: Layer<S, Service: Service<Q, Error = Infallible>>,
{
    let (audit, lines) = audit();
    let layer = layer(key(&audit));
    let mut service = layer.layer(inner);
    std::future::poll_fn(|cx| service.poll_ready(cx))
        .await
        .unwrap();
    service.call(request).await.unwrap();
    drop((service, layer));
    rejection(audit, lines).await
}

fn expected(route: &str, reason: &str) -> [Value; 5] {
    ["7", "PUT", "api.example.com:8443", route, reason].map(|text| json!(text))
}

#[tokio::test(start_paused = true)]
async fn line_does_not_depend_on_the_body() {
    let traced = Traced::new();
    let origin = "https://api.example.com:8443";
    let one = |key| InjectKeyLayer::new(origin, key).unwrap();
    let kept = described(
        one,
        service_fn(refused::<String>),
        request(URL, String::new()),
    );
    assert_eq!(kept.await, expected(origin, "no_newer_key"));

    let once = |key| one(key).replay(|_: &Once| None::<Once>);
    let lost = described(once, service_fn(refused::<Once>), request(URL, Once));
    assert_eq!(lost.await, expected(origin, "body_not_kept"));

    // The log says the same.
    let text = traced.text();
    let said =
        "method=\"PUT\" peer=\"api.example.com:8443\" route=\"https://api.example.com:8443\"";
    assert_eq!(text.matches(said).count(), 2, "{text}");
    assert!(!text.contains("secret") && !text.contains("pass"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn route_is_the_one_that_has_the_key() {
    let inner = service_fn(refused::<String>);
    let routed = |key: RotatingCredential| {
        let other = Route::new("https://api.example.com:8443", key.clone());
        let route = Route::new("https://api.example.com:8443/v1", key);
        InjectKeyLayer::routes([other.unwrap(), route.unwrap()]).unwrap()
    };
    let line = described(routed, inner, request(URL, String::new())).await;
    assert_eq!(
        line,
        expected("https://api.example.com:8443/v1", "no_newer_key")
    );

    let any = InjectKeyLayer::any_origin;
    let line = described(any, inner, request(URL, String::new())).await;
    assert_eq!(
        line,
        expected("https://api.example.com:8443", "no_newer_key")
    );

    let assumed = |key| {
        InjectKeyLayer::any_origin(key)
            .assume_origin("https://api.example.com:8443")
            .unwrap()
    };
    let line = described(
        assumed,
        inner,
        request("/v1/chat?key=secret", String::new()),
    )
    .await;
    assert_eq!(
        line,
        expected("https://api.example.com:8443", "no_newer_key")
    );
}

/// The request of another client.
#[derive(Clone)]
struct Call {
    headers: HeaderMap,
    is_once: bool,
}

#[tokio::test(start_paused = true)]
async fn other_clients_are_described_as_well() {
    for (is_once, reason) in [(false, "no_newer_key"), (true, "body_not_kept")] {
        let adapter = ClientAdapter::new(
            |_: &Call| URL,
            |call| &mut call.headers,
            |call| (!call.is_once).then(|| call.clone()),
        );
        let adapter = adapter
            .method(|_| "PUT")
            .rejects(|answer: &Result<(), Infallible>| answer.is_ok());
        let layer = |key| {
            let layer = InjectKeyLayer::new("https://api.example.com:8443", key).unwrap();
            layer.adapter(adapter)
        };
        let headers =
            HeaderMap::from_iter([("x-request-id".parse().unwrap(), "7".parse().unwrap())]);
        let inner = service_fn(|_: Call| ready(Ok::<_, Infallible>(())));
        let line = described(layer, inner, Call { headers, is_once }).await;
        assert_eq!(line, expected("https://api.example.com:8443", reason));
    }
}

#[tokio::test(start_paused = true)]
async fn long_request_id_is_shortened() {
    let (audit, lines) = audit();
    let layer = InjectKeyLayer::new("https://api.example.com", key(&audit)).unwrap();
    let mut request = request("https://api.example.com/", String::new());
    let long = "y".repeat(10_000).parse().unwrap();
    request.headers_mut().insert("x-request-id", long);
    let answer = layer.layer(service_fn(refused::<String>)).oneshot(request);
    assert!(
        answer
            .await
            .unwrap()
            .extensions()
            .get::<Outcome>()
            .is_some()
    );
    drop(layer);
    let [id, ..] = rejection(audit, lines).await;
    assert_eq!(id.as_str().unwrap().len(), 200);
}
