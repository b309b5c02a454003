//! Clients whose requests are not `http::Request`.

use std::net::SocketAddr;

use axum::Router;
use axum::http::StatusCode as AxumStatus;
use axum::routing::post;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::net::TcpListener;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_rotating_auth::{
    Carry, Credential, InjectKey, Inspect, Outcome, Rotating, Secret, Target,
};

fn bearer(key: &str) -> Credential {
    Credential::bearer(&Secret::from(key)).unwrap()
}

/// Echoes bodies to whoever has the key "new".
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

/// The whole of what `reqwest` takes.
struct Reqwest;

impl Carry<reqwest::Request> for Reqwest {
    type Sent = reqwest::Request;
    type Saved = reqwest::Request;

    fn target<'a>(&self, request: &'a reqwest::Request) -> Target<'a> {
        let url = request.url();
        let host = url.host_str().unwrap_or_default();
        Target::absolute(url.scheme(), host, url.port())
    }

    fn carries(&self, request: &reqwest::Request, name: &HeaderName) -> bool {
        request.headers().contains_key(name)
    }

    fn pass(&self, request: reqwest::Request) -> reqwest::Request {
        request
    }

    fn save(&self, request: reqwest::Request) -> (reqwest::Request, Option<reqwest::Request>) {
        let saved = request.try_clone();
        (request, saved)
    }

    fn resend(&self, saved: reqwest::Request) -> Option<reqwest::Request> {
        Some(saved)
    }

    fn set(&self, request: &mut reqwest::Request, name: &HeaderName, value: HeaderValue) {
        request.headers_mut().insert(name, value);
    }
}

impl<E> Inspect<reqwest::Response, E> for Reqwest {
    fn rejects(&self, answer: &Result<reqwest::Response, E>) -> bool {
        answer
            .as_ref()
            .is_ok_and(|response| response.status() == 401)
    }

    fn note(&self, response: &mut reqwest::Response, outcome: Outcome) {
        response.extensions_mut().insert(outcome);
    }
}

#[tokio::test]
async fn a_reqwest_client_is_keyed_and_its_rejected_request_replayed() {
    let url = format!("http://{}/", server().await);
    let (key, mut publisher) = Rotating::by_hand(bearer("old"));
    let reqwest = reqwest::Client::new();
    let mut client = InjectKey::new(&url, key)
        .unwrap()
        .seam(Reqwest)
        .layer(reqwest.clone());
    let request = reqwest.post(&url).body("upload").build().unwrap();
    let answer = client.ready().await.unwrap().call(request);
    publisher.publish(bearer("new")); // the request is on its way with the old one
    let response: Result<reqwest::Response, reqwest::Error> = answer.await;
    let response = response.unwrap();
    assert!(matches!(
        response.extensions().get(),
        Some(Outcome::Replayed { .. })
    ));
    assert_eq!(response.text().await.unwrap(), "upload");
}

#[derive(Debug)]
enum Failed {
    Unauthorized,
}

/// A client that tells a rejection as an error, and whose requests are pairs of a key and a question.
struct AsError;

impl Carry<(Option<HeaderValue>, u32)> for AsError {
    type Sent = (Option<HeaderValue>, u32);
    type Saved = u32;

    fn target<'a>(&self, _: &'a (Option<HeaderValue>, u32)) -> Target<'a> {
        Target::path_only()
    }

    fn carries(&self, request: &(Option<HeaderValue>, u32), _: &HeaderName) -> bool {
        request.0.is_some()
    }

    fn pass(&self, request: (Option<HeaderValue>, u32)) -> Self::Sent {
        request
    }

    fn save(&self, request: (Option<HeaderValue>, u32)) -> (Self::Sent, Option<u32>) {
        let saved = request.1;
        (request, Some(saved))
    }

    fn resend(&self, saved: u32) -> Option<Self::Sent> {
        Some((None, saved))
    }

    fn set(&self, request: &mut Self::Sent, _: &HeaderName, value: HeaderValue) {
        request.0 = Some(value);
    }
}

impl Inspect<u32, Failed> for AsError {
    fn rejects(&self, answer: &Result<u32, Failed>) -> bool {
        matches!(answer, Err(Failed::Unauthorized))
    }
}

#[tokio::test]
async fn a_rejection_that_is_an_error_is_seen_as_well() {
    let (key, mut publisher) = Rotating::by_hand(bearer("old"));
    let (questions, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let client = service_fn(move |(key, question): (Option<HeaderValue>, u32)| {
        questions.send(question).unwrap();
        let answer = match key {
            Some(key) if key == "Bearer new" => Ok(question + 1),
            _ => Err(Failed::Unauthorized),
        };
        async move { answer }
    });
    let inject = InjectKey::new("https://api.example.com", key)
        .unwrap()
        .assume_origin("https://api.example.com")
        .unwrap();
    let mut client = inject.seam(AsError).layer(client);
    let answer = client.ready().await.unwrap().call((None, 41));
    publisher.publish(bearer("new"));
    assert_eq!(answer.await.unwrap(), 42);
    assert_eq!(
        (asked.recv().await, asked.recv().await),
        (Some(41), Some(41))
    );
}
