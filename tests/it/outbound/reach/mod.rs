//! Which requests get the key, and which headers of the caller go out.

mod existing;
mod hosts;
mod methods;

use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_rotating_auth::{
    RotatingAuthLayer, Secret,
    inbound::{DangerouslyOpen, RequestBody, RequireKeyLayer},
    outbound::adapter::ClientAdapter,
    outbound::{Credential, CredentialPublisher, InjectKeyLayer, RotatingCredential},
};

const URL: &str = "https://api.test/v1";
const KEYED: &str = "x-upstream-key: ours";

fn key_in(name: &str, key: &str) -> Credential {
    Credential::header(name.parse().unwrap(), &Secret::from(key)).unwrap()
}

/// A request with these headers.
fn request(method: &str, url: &str, headers: &[&str]) -> Request<String> {
    let mut request = Request::new(String::new());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
    *request.uri_mut() = url.parse().unwrap();
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
    }
    request
}

/// The request of a client that does not use `http::Request`.
#[derive(Clone)]
struct Call {
    method: Method,
    url: String,
    headers: HeaderMap,
}

/// Records the headers of each attempt. Rejects the key "old", and replaces it by "new".
struct Upstream {
    attempts: Mutex<Vec<String>>,
    publisher: Mutex<CredentialPublisher>,
    header: &'static str,
}

impl Upstream {
    fn receive(&self, headers: &HeaderMap) -> StatusCode {
        let is_old = headers.get(self.header).is_some_and(|key| key == "old");
        if is_old {
            let new = key_in(self.header, "new");
            self.publisher.lock().unwrap().publish(new);
        }
        let is_ours = |value: &str| value == "old" || value == "new";
        let mut sent: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name, value.to_str().unwrap()))
            .map(|(name, value)| (name, if is_ours(value) { "ours" } else { value }))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        sent.sort();
        self.attempts.lock().unwrap().push(sent.join(", "));
        if is_old {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::OK
        }
    }
}

/// The kinds of service that a layer makes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Replaying,
    Once,
    Client,
    Stacked,
    StackedAround,
    StackedOnce,
}

/// The kinds that a program uses by themselves, and those of a gateway.
const ALONE: [Kind; 3] = [Kind::Replaying, Kind::Once, Kind::Client];
const STACKED: [Kind; 3] = [Kind::Stacked, Kind::StackedAround, Kind::StackedOnce];

fn open() -> RequireKeyLayer {
    let loopback = DangerouslyOpen::on_loopback("[::1]:1".parse().unwrap()).unwrap();
    RequireKeyLayer::dangerously_open(loopback)
}

/// Returns the headers that go out, the same with each attempt.
async fn sent(
    kind: Kind,
    inject: impl Fn(RotatingCredential) -> InjectKeyLayer,
    request: Request<String>,
) -> String {
    sent_in("x-upstream-key", kind, inject, request).await
}

async fn sent_in(
    header: &'static str,
    kind: Kind,
    inject: impl Fn(RotatingCredential) -> InjectKeyLayer,
    request: Request<String>,
) -> String {
    let (key, publisher) = RotatingCredential::manual(key_in(header, "old"));
    let inject = inject(key);
    let upstream = Arc::new(Upstream {
        attempts: Mutex::default(),
        publisher: Mutex::new(publisher),
        header,
    });
    let inner = service_fn({
        let upstream = Arc::clone(&upstream);
        move |request: Request<String>| {
            let status = upstream.receive(request.headers());
            let response = Response::builder().status(status).body(String::new());
            ready(Ok::<_, Infallible>(response.unwrap()))
        }
    });
    let guarded = inner.clone().map_request(unguarded);
    match kind {
        Kind::Replaying => ask(inject.layer(inner), request).await,
        Kind::Once => ask(inject.without_replay().layer(inner), request).await,
        Kind::Client => call(&inject, Arc::clone(&upstream), request).await,
        Kind::Stacked => {
            let layer = RotatingAuthLayer::new().require(open()).inject(inject);
            ask(layer.layer(guarded), request).await;
        }
        Kind::StackedAround => {
            let layer = RotatingAuthLayer::new().inject(inject).require(open());
            ask(layer.layer(guarded), request).await;
        }
        Kind::StackedOnce => {
            let inject = inject.without_replay();
            let layer = RotatingAuthLayer::new().require(open()).inject(inject);
            ask(layer.layer(guarded), request).await;
        }
    }
    let attempts = upstream.attempts.lock().unwrap();
    let is_keyed = attempts[0].contains("ours");
    let replays = is_keyed && !matches!(kind, Kind::Once | Kind::StackedOnce);
    assert_eq!(attempts.len(), 1 + usize::from(replays), "{attempts:?}");
    assert!(attempts.iter().all(|attempt| *attempt == attempts[0]));
    attempts[0].clone()
}

/// Takes the body out of the inbound half's hands.
fn unguarded(request: Request<RequestBody<String>>) -> Request<String> {
    request.map(RequestBody::into_inner)
}

async fn ask<S>(service: S, request: Request<String>)
where
    S: Service<Request<String>, Error = Infallible>,
{
    let Ok(_response) = service.oneshot(request).await;
}

async fn call(inject: &InjectKeyLayer, upstream: Arc<Upstream>, request: Request<String>) {
    let adapter = ClientAdapter::new(
        |call: &Call| &call.url,
        |call: &mut Call| &mut call.headers,
        |call: &Call| Some(call.clone()),
    )
    .method(|call: &Call| &call.method)
    .status(|status: &StatusCode| *status);
    let inner =
        service_fn(move |call: Call| ready(Ok::<_, Infallible>(upstream.receive(&call.headers))));
    let (head, _) = request.into_parts();
    let call = Call {
        method: head.method,
        url: head.uri.to_string(),
        headers: head.headers,
    };
    let client = inject.clone().adapter(adapter).layer(inner);
    let Ok(_status) = client.oneshot(call).await;
}
