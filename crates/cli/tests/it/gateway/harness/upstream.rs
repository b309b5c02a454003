//! Upstreams in the process of the tests.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tokio::net::TcpListener;

/// Serves `app` on a port of its own for as long as the test runs.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A port that nobody listens on.
pub(crate) async fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

/// An upstream that keeps all that comes and gives each request the same kind of answer.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Recorder {
    /// Answers `200` with no more in it.
    pub(crate) async fn start() -> (SocketAddr, Self) {
        Self::answering(|_| Response::new(Body::empty())).await
    }

    pub(crate) async fn answering(
        answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static,
    ) -> (SocketAddr, Self) {
        let recorder = Self::default();
        let seen = recorder.clone();
        let app = Router::new().fallback(async move |request: Request<Body>| {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await else {
                return StatusCode::BAD_REQUEST.into_response(); // nobody is there to read it
            };
            let trailers = body.trailers().cloned();
            let request = Seen {
                head,
                body: body.to_bytes(),
                trailers,
            };
            let response = answer(&request);
            seen.0.lock().unwrap().push(request);
            response
        });
        (serve(app).await, recorder)
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    /// The one request that came.
    pub(crate) fn only(&self) -> Seen {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}
