//! The outbound half, against an upstream that is a Tower service: virtual time, and mostly no
//! sockets.

mod adapter;
mod body_rejection;
mod buffer_body;
#[cfg(feature = "connect")]
mod connect;
mod contract;
#[cfg(feature = "connect")]
mod expect_continue;
mod grpc;
mod hold;
mod inject;
mod order;
mod origins;
mod overlap;
mod reach;
mod rejection;
mod replay;
#[cfg(feature = "connect")]
mod resend;
mod rotations;
mod routes;
mod secrecy;
mod storm;
mod wire;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode, Uri};
use tower::Service;
use tower_rotating_auth::{
    Secret,
    outbound::{InjectKeyLayer, IntoCredential, RotatingCredential, RotatingCredentialBuilder},
    source::{SourceError, source_fn},
};

pub(crate) const URL: &str = "https://api.example.com/v1/models";
pub(crate) const ORIGIN: &str = "https://api.example.com";

/// A secret store, and the upstream that accepts its keys.
#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<State>>);

struct State {
    stored: Result<String, &'static str>,
    accepted: Vec<String>,
    fetches: usize,
    seen: Vec<Seen>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) accepted: bool,
}

impl Seen {
    pub(crate) fn key(&self) -> &str {
        let sent = self.header("authorization").unwrap_or_default();
        sent.strip_prefix("Bearer ").unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl World {
    pub(crate) fn new(key: &str) -> Self {
        Self(Arc::new(Mutex::new(State {
            stored: Ok(key.into()),
            accepted: vec![key.into()],
            fetches: 0,
            seen: Vec::new(),
        })))
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    /// Sets what the secret store delivers.
    pub(crate) fn store(&self, key: &str) {
        self.with(|state| state.stored = Ok(key.into()));
    }

    pub(crate) fn break_store(&self) {
        self.with(|state| state.stored = Err("the store is down"));
    }

    /// Sets the key that the upstream accepts.
    pub(crate) fn accept(&self, key: &str) {
        self.with(|state| state.accepted = vec![key.into()]);
    }

    /// Adds a key that the upstream accepts.
    pub(crate) fn also_accept(&self, key: &str) {
        self.with(|state| state.accepted.push(key.into()));
    }

    pub(crate) fn rotate(&self, key: &str) {
        self.store(key);
        self.accept(key);
    }

    pub(crate) fn takes(&self, authorization: Option<&str>) -> bool {
        self.with(|state| state.takes(authorization))
    }

    /// Fetches the key that the store delivers.
    pub(crate) fn fetch(&self) -> Result<String, &'static str> {
        self.with(|state| {
            state.fetches += 1;
            state.stored.clone()
        })
    }

    pub(crate) fn fetches(&self) -> usize {
        self.with(|state| state.fetches)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.with(|state| state.seen.clone())
    }

    /// Starts a key that is fetched from the store. Each fetch takes `latency`.
    pub(crate) async fn key_with(&self, latency: Duration) -> RotatingCredential {
        self.key_by(RotatingCredential::builder(), latency).await
    }

    pub(crate) async fn key_by(
        &self,
        builder: RotatingCredentialBuilder,
        latency: Duration,
    ) -> RotatingCredential {
        let world = self.clone();
        let source = source_fn(move || {
            let world = world.clone();
            async move {
                tokio::time::sleep(latency).await;
                let fetched = world.fetch();
                fetched.map(Secret::from).map_err(SourceError::transient)
            }
        });
        let hour = Duration::from_secs(3600);
        let builder = builder.poll(hour * 24);
        builder.start(source.bearer()).await.unwrap()
    }

    pub(crate) async fn key(&self) -> RotatingCredential {
        self.key_with(Duration::from_millis(20)).await
    }

    pub(crate) async fn inject(&self) -> InjectKeyLayer {
        InjectKeyLayer::new(ORIGIN, self.key().await).unwrap()
    }

    pub(crate) fn upstream(&self) -> Upstream {
        Upstream(self.clone())
    }
}

/// The upstream: accepts bearer keys, and answers with the request's body.
#[derive(Clone)]
pub(crate) struct Upstream(World);

impl Service<Request<String>> for Upstream {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        ready(Ok(self.0.with(|state| state.answer(request))))
    }
}

impl State {
    fn takes(&self, authorization: Option<&str>) -> bool {
        let key = authorization.and_then(|sent| sent.strip_prefix("Bearer "));
        key.is_some_and(|sent| self.accepted.iter().any(|key| key == sent))
    }

    fn answer(&mut self, request: Request<String>) -> Response<String> {
        let (head, body) = request.into_parts();
        let sent = head.headers.get("authorization");
        let accepted = self.takes(sent.map(|sent| sent.to_str().unwrap()));
        self.seen.push(Seen {
            uri: head.uri,
            headers: head.headers,
            body: body.clone(),
            accepted,
        });
        if accepted {
            return Response::new(body);
        }
        Response::builder()
            .status(StatusCode::UNAUTHORIZED)
            .header("www-authenticate", "Bearer error=\"invalid_token\"")
            .body("the upstream's own words".into())
            .unwrap()
    }
}

pub(crate) fn get(uri: &str) -> Request<String> {
    Request::get(uri).body(String::new()).unwrap()
}

pub(crate) fn post(body: &str) -> Request<String> {
    Request::post(URL)
        .header("content-type", "text/plain")
        .header("x-request-id", "7")
        .body(body.into())
        .unwrap()
}
