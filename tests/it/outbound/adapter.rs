//! Clients whose requests are not `http::Request`.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode as AxumStatus;
use axum::routing::post;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_rotating_auth::{
    Secret,
    outbound::adapter::{ClassifyRejection, ClientAdapter, Kept, RequestAdapter, Target, Verdict},
    outbound::{AuthScheme, Credential, InjectKeyLayer, RotatingCredential},
};

use super::{ORIGIN, URL};

fn bearer(key: &str) -> Credential {
    Credential::bearer(&Secret::from(key)).unwrap()
}

/// Starts a server that echoes bodies if the request has the key "new".
async fn server() -> SocketAddr {
    let echo = |headers: HeaderMap, body: String| async move {
        match headers.get(AUTHORIZATION) {
            Some(value) if value == "Bearer new" => Ok(body),
            _ => Err(AxumStatus::UNAUTHORIZED),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/", post(echo));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Tests one version of reqwest, through its functions alone.
macro_rules! keyed_and_replayed {
    ($reqwest:ident) => {
        #[tokio::test]
        async fn client_request_is_replayed_with_new_key() {
            use super::{bearer, server};
            use tower::{Layer, Service, ServiceExt};
            use tower_rotating_auth::{
                outbound::adapter::{ClientAdapter, ResponseAdapter},
                outbound::{InjectKey, InjectKeyLayer, Outcome, RotatingCredential},
            };
            use $reqwest::{Client, Error, Request, Response};

            let url = format!("http://{}/", server().await);
            let (key, mut publisher) = RotatingCredential::manual(bearer("old"));
            let adapter =
                ClientAdapter::new(Request::url, Request::headers_mut, Request::try_clone)
                    .status(Response::status)
                    .extensions(Response::extensions_mut);
            let reqwest = Client::new();
            // The type has a name, so it can be the type of a field.
            let mut client: InjectKey<
                Client,
                ClientAdapter<Request, ResponseAdapter<Response, Error>>,
            > = InjectKeyLayer::new(&url, key)
                .unwrap()
                .adapter(adapter)
                .layer(reqwest.clone());
            let request = reqwest.post(&url).body("upload").build().unwrap();
            let answer = client.ready().await.unwrap().call(request);
            publisher.publish(bearer("new")); // the request is on its way with the old one
            let response = answer.await.unwrap();
            assert!(
                response
                    .extensions()
                    .get()
                    .is_some_and(Outcome::is_replayed)
            );
            assert_eq!(response.text().await.unwrap(), "upload");

            let elsewhere = reqwest.post(url.replace("127.0.0.1", "localhost"));
            let response = client.oneshot(elsewhere.build().unwrap()).await.unwrap();
            assert_eq!(response.status(), 401);
            assert!(response.extensions().get::<Outcome>().is_none());
        }
    };
}

mod reqwest_0_13 {
    keyed_and_replayed!(reqwest);
}

mod reqwest_0_12 {
    keyed_and_replayed!(reqwest_012);
}

/// An extension of a request.
#[derive(Clone, Debug, PartialEq)]
struct Note(&'static str);

/// What each attempt carried besides the key: the caller's header, its sensitivity, the extension.
type Attempts = Arc<Mutex<Vec<(String, bool, Option<Note>)>>>;

fn attempted(attempts: &Attempts, headers: &HeaderMap, extensions: &http::Extensions) {
    let cookie = &headers["cookie"];
    attempts.lock().unwrap().push((
        cookie.to_str().unwrap().into(),
        cookie.is_sensitive(),
        extensions.get().cloned(),
    ));
}

fn equal_twice(attempts: &Attempts) {
    let one = ("a=b".into(), true, Some(Note("the caller's")));
    assert_eq!(*attempts.lock().unwrap(), [one.clone(), one]);
}

fn noted() -> Request<String> {
    let mut request = Request::post(URL).body(String::new()).unwrap();
    let mut cookie = HeaderValue::from_static("a=b");
    cookie.set_sensitive(true);
    request.headers_mut().insert("cookie", cookie);
    request.extensions_mut().insert(Note("the caller's"));
    request
}

#[tokio::test]
async fn replay_keeps_extensions_and_sensitivity() {
    let attempts = Attempts::default();
    let upstream = service_fn({
        let attempts = Arc::clone(&attempts);
        move |request: Request<String>| {
            attempted(&attempts, request.headers(), request.extensions());
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            ready(Ok::<_, Infallible>(response))
        }
    });
    let (key, mut publisher) = RotatingCredential::manual(bearer("old"));
    let mut client = InjectKeyLayer::new(ORIGIN, key).unwrap().layer(upstream);
    let answer = client.ready().await.unwrap().call(noted());
    publisher.publish(bearer("new"));
    answer.await.unwrap();
    equal_twice(&attempts);
}

#[tokio::test]
async fn function_replay_keeps_extensions_and_sensitivity() {
    let attempts = Attempts::default();
    let upstream = service_fn({
        let attempts = Arc::clone(&attempts);
        move |request: reqwest::Request| {
            let request = Request::<reqwest::Body>::try_from(request).unwrap();
            attempted(&attempts, request.headers(), request.extensions());
            let mut response = Response::new("");
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            ready(Ok::<_, Infallible>(reqwest::Response::from(response)))
        }
    });
    let (key, mut publisher) = RotatingCredential::manual(bearer("old"));
    let adapter = ClientAdapter::new(
        reqwest::Request::url,
        reqwest::Request::headers_mut,
        reqwest::Request::try_clone,
    );
    let mut client = InjectKeyLayer::new(ORIGIN, key)
        .unwrap()
        .adapter(adapter.status(reqwest::Response::status))
        .layer(upstream);
    let answer = client
        .ready()
        .await
        .unwrap()
        .call(noted().try_into().unwrap());
    publisher.publish(bearer("new"));
    answer.await.unwrap();
    equal_twice(&attempts);
}

/// Sends a request with a header that its caller has set.
#[tokio::test]
async fn functions_see_the_callers_header() {
    let (key, _publisher) = RotatingCredential::manual(bearer("ours"));
    let adapter = ClientAdapter::new(
        reqwest::Request::url,
        reqwest::Request::headers_mut,
        reqwest::Request::try_clone,
    );
    let inject = InjectKeyLayer::new(ORIGIN, key)
        .unwrap()
        .adapter(adapter.status(reqwest::Response::status));
    let sent = service_fn(|request: reqwest::Request| {
        let sent = request.headers()["authorization"].to_str().unwrap();
        ready(Ok::<_, Infallible>(reqwest::Response::from(Response::new(
            sent.to_owned(),
        ))))
    });
    let mut request = reqwest::Request::new(http::Method::POST, URL.parse().unwrap());
    request
        .headers_mut()
        .insert("authorization", "Bearer theirs".parse().unwrap());
    let again = request.try_clone().unwrap();
    let response = inject.clone().layer(sent).oneshot(request).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "Bearer theirs");
    let overriding = inject.override_existing().layer(sent);
    let response = overriding.oneshot(again).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "Bearer ours");
}

/// A request factory like `async-openai`'s: it shows nothing, and builds a new request on each
/// call.
#[derive(Clone)]
struct Factory(Arc<dyn Fn() -> Building + Send + Sync>);

type Building = Pin<Box<dyn Future<Output = Result<reqwest::Request, Failed>> + Send>>;

#[derive(Debug)]
enum Failed {
    Unauthorized,
    NotSent,
}

impl Factory {
    fn new<F>(build: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<reqwest::Request, Failed>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(build())))
    }
}

#[tokio::test]
async fn factory_builds_each_attempt_with_its_key() {
    let url = format!("http://{}/", server().await);
    let (key, mut publisher) = RotatingCredential::manual(bearer("old"));
    let adapter = ClientAdapter::for_factory(|factory: &Factory, name, value| {
        let factory = factory.clone();
        Factory::new(move || {
            let (building, name, value) = ((factory.0)(), name.clone(), value.clone());
            async move {
                let mut request = building.await?;
                request.headers_mut().insert(name, value);
                Ok(request)
            }
        })
    });
    let inject = InjectKeyLayer::new(&url, key).unwrap();
    let inject = inject.assume_origin(&url).unwrap();
    let reqwest = reqwest::Client::new();
    let sends = service_fn(move |factory: Factory| {
        let reqwest = reqwest.clone();
        async move {
            let request = (factory.0)().await?;
            reqwest.execute(request).await.map_err(|_| Failed::NotSent)
        }
    });
    let mut client = inject
        .adapter(adapter.status(reqwest::Response::status))
        .layer(sends);
    let built = Arc::new(Mutex::new(0));
    let factory = Factory::new({
        let built = Arc::clone(&built);
        move || {
            *built.lock().unwrap() += 1;
            let mut request = reqwest::Request::new(http::Method::POST, url.parse().unwrap());
            *request.body_mut() = Some("upload".into());
            // Replaces the dummy key that the client always sets.
            request
                .headers_mut()
                .insert("authorization", "Bearer dummy".parse().unwrap());
            ready(Ok(request))
        }
    });
    let answer = client.ready().await.unwrap().call(factory);
    publisher.publish(bearer("new"));
    assert_eq!(answer.await.unwrap().text().await.unwrap(), "upload");
    assert_eq!(*built.lock().unwrap(), 2);
}

/// A request of a client that does not use HTTP types.
#[derive(Clone, Debug)]
struct Question {
    url: &'static str,
    headers: HeaderMap,
    asked: u32,
}

impl Question {
    fn of(asked: u32) -> Self {
        Self {
            url: URL,
            headers: HeaderMap::new(),
            asked,
        }
    }
}

#[tokio::test]
async fn rejection_as_error_is_replayed() {
    let (key, mut publisher) = RotatingCredential::manual(bearer("old"));
    let (questions, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let client = service_fn(move |question: Question| {
        questions.send(question.asked).unwrap();
        ready(match question.headers.get(AUTHORIZATION) {
            Some(key) if key == "Bearer new" => Ok(question.asked + 1),
            _ => Err(Failed::Unauthorized),
        })
    });
    let adapter = ClientAdapter::new(
        |question: &Question| question.url,
        |question| &mut question.headers,
        |question| Some(question.clone()),
    )
    .rejects(|answer: &Result<u32, Failed>| matches!(answer, Err(Failed::Unauthorized)));
    let mut client = InjectKeyLayer::new(ORIGIN, key)
        .unwrap()
        .adapter(adapter)
        .layer(client);
    let answer = client.ready().await.unwrap().call(Question::of(41));
    publisher.publish(bearer("new"));
    assert_eq!(answer.await.unwrap(), 42);
    assert_eq!(
        (asked.recv().await, asked.recv().await),
        (Some(41), Some(41))
    );
}

/// An adapter for requests that are pairs of a key and a number, which saves only the number.
#[derive(Clone)]
struct Manual;

impl RequestAdapter<(Option<HeaderValue>, u32)> for Manual {
    type Sent = (Option<HeaderValue>, u32);
    type Saved = u32;

    fn target<'a>(&self, _: &'a mut (Option<HeaderValue>, u32)) -> Target<'a> {
        Target::unknown()
    }

    fn has_header(&self, request: &mut (Option<HeaderValue>, u32), _: &HeaderName) -> bool {
        request.0.is_some()
    }

    fn remove_header(&self, request: &mut (Option<HeaderValue>, u32), _: &HeaderName) {
        request.0 = None;
    }

    fn pass(&self, request: (Option<HeaderValue>, u32)) -> Self::Sent {
        request
    }

    fn save(&self, request: (Option<HeaderValue>, u32)) -> (Self::Sent, Kept<u32>) {
        let saved = request.1;
        (request, Kept::ForReplay(saved))
    }

    fn resend(&self, saved: u32) -> Option<Self::Sent> {
        Some((None, saved))
    }

    fn set_header(&self, request: &mut Self::Sent, _: &HeaderName, value: HeaderValue) {
        request.0 = Some(value);
    }
}

impl ClassifyRejection<u32, Failed> for Manual {
    fn classify(&self, answer: &Result<u32, Failed>, _: Option<&AuthScheme>) -> Verdict {
        match answer {
            Ok(_) => Verdict::Accepted,
            Err(Failed::Unauthorized) => Verdict::Rejected,
            Err(Failed::NotSent) => Verdict::Inconclusive,
        }
    }
}

#[tokio::test]
async fn adapter_can_be_implemented_manually() {
    let (key, mut publisher) = RotatingCredential::manual(bearer("old"));
    let client = service_fn(|(key, question): (Option<HeaderValue>, u32)| {
        ready(match key {
            Some(key) if key == "Bearer new" => Ok(question + 1),
            _ => Err(Failed::Unauthorized),
        })
    });
    let inject = InjectKeyLayer::new(ORIGIN, key).unwrap();
    let inject = inject.assume_origin(ORIGIN).unwrap();
    let mut client = inject.adapter(Manual).layer(client);
    let answer = client.ready().await.unwrap().call((None, 41));
    publisher.publish(bearer("new"));
    assert_eq!(answer.await.unwrap(), 42);
}
