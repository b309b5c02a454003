//! A server that rejects keys the way that Gemini does, over sockets.

use axum::Router;
use axum::body::Body as AxumBody;
use axum::extract::State;
use axum::response::{IntoResponse, Response as AxumResponse};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_rotating_auth::{
    RotatingAuthLayer, Secret,
    outbound::body_rejection::{PrefixedBody, RejectByBodyLayer},
    outbound::{InjectKeyLayer, IntoCredential, Outcome, RotatingCredential},
    source::{SourceError, source_fn},
};

use crate::outbound::World;
use crate::support::minutes;

const INVALID_KEY: &str = r#"{
  "error": {
    "code": 400,
    "message": "API key not valid. Please pass a valid API key.",
    "status": "INVALID_ARGUMENT",
    "details": [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {
          "service": "generativelanguage.googleapis.com"
        }
      },
      {
        "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
        "locale": "en-US",
        "message": "API key not valid. Please pass a valid API key."
      }
    ]
  }
}
"#;

/// An answer to a request that is wrong, with a text that tries to look like a rejection.
const INVALID_REQUEST: &str = r#"[{
  "error": {
    "code": 400,
    "message": "Invalid value: {\"reason\": \"API_KEY_INVALID\"}",
    "status": "INVALID_ARGUMENT",
    "details": [
      {"@type": "type.googleapis.com/google.rpc.BadRequest", "reason": "API_KEY_INVALID_NOT"}
    ]
  }
}]
"#;

/// Answers with the request's text, if the key is right and the text is not "wrong".
async fn generate(State(world): State<World>, headers: HeaderMap, text: String) -> AxumResponse {
    let key = headers
        .get("x-goog-api-key")
        .map(|key| key.to_str().unwrap());
    let bearer = key.map(|key| format!("Bearer {key}"));
    let refused = if !world.takes(bearer.as_deref()) {
        INVALID_KEY
    } else if text == "wrong" {
        INVALID_REQUEST
    } else {
        return text.into_response();
    };
    // In pieces, and without a length.
    let pieces = refused
        .as_bytes()
        .chunks(100)
        .map(|piece| Ok::<_, SourceError>(Bytes::from(piece)));
    let body = AxumBody::from_stream(tokio_stream::iter(pieces));
    let json = [("content-type", "application/json; charset=UTF-8")];
    (StatusCode::BAD_REQUEST, json, body).into_response()
}

/// A client of the server, whose key is fetched from the world's store.
struct Gemini {
    url: String,
    inject: InjectKeyLayer,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl Gemini {
    async fn connect(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/", post(generate))
            .with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let store = world.clone();
        let source = source_fn(move || {
            let fetched = store.fetch();
            async move { fetched.map(Secret::from).map_err(SourceError::transient) }
        });
        let key = RotatingCredential::builder().poll(minutes(60));
        let key = key.start(source.x_goog_api_key()).await.unwrap();
        Self {
            inject: InjectKeyLayer::new(&url, key).unwrap(),
            http: Client::builder(TokioExecutor::new()).build_http(),
            url,
        }
    }

    async fn ask(&self, text: &'static str) -> Response<PrefixedBody<Incoming>> {
        let client = ServiceBuilder::new()
            .layer(RotatingAuthLayer::new().inject(self.inject.clone()))
            .layer(RejectByBodyLayer::gemini())
            .service(self.http.clone());
        let request = Request::post(&self.url).body(Full::from(text)).unwrap();
        client.oneshot(request).await.unwrap()
    }
}

async fn text(response: Response<PrefixedBody<Incoming>>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn rejected_key_is_refreshed_and_request_replayed() {
    let world = World::new("k-1");
    let gemini = Gemini::connect(&world).await;
    let response = gemini.ask("hello").await;
    assert!(response.extensions().get::<Outcome>().is_none());
    assert_eq!(text(response).await, "hello");

    world.rotate("k-2");
    let response = gemini.ask("hello again").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(
        response
            .extensions()
            .get()
            .is_some_and(Outcome::is_replayed)
    );
    assert_eq!(text(response).await, "hello again");
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn other_400_is_passed_on() {
    let world = World::new("k-1");
    let gemini = Gemini::connect(&world).await;
    let response = gemini.ask("wrong").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(response.extensions().get::<Outcome>().is_none());
    assert_eq!(text(response).await, INVALID_REQUEST);
    assert_eq!(world.fetches(), 1);
}

#[tokio::test]
async fn rejection_without_newer_key_is_passed_on_whole() {
    let world = World::new("k-1");
    let gemini = Gemini::connect(&world).await;
    world.accept("k-2");
    world.break_store();
    let response = gemini.ask("hello").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let outcome: &Outcome = response.extensions().get().unwrap();
    assert!(outcome.not_replayed().is_some());
    assert_eq!(text(response).await, INVALID_KEY);
}
