//! A server that knows the current key, and the secret store that delivers it.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_rotating_auth::{
    Secret,
    outbound::{IntoCredential, RotatingCredential},
    rotating::StartError,
    source::{SourceError, channel, source_fn},
};

use super::{Failed, grpc};

/// Longer than any trial.
const NEVER: Duration = Duration::from_secs(24 * 3600);
const LARGEST_BODY: usize = 1 << 20;

/// What happens to a key when there is a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// The server rejects it at once. A client learns of the new key by a rejection.
    CutOver,
    /// The server accepts it until the next rotation, and sends clients the new one.
    #[cfg_attr(
        not(any(feature = "otlp-grpc", feature = "tonic-server")),
        expect(dead_code, reason = "of the hosts that are built, none needs it")
    )]
    Overlap,
}

/// The keys of a server. Clones share them.
#[derive(Clone)]
pub(crate) struct Upstream(Arc<watch::Sender<Keys>>);

/// The keys and their counts.
pub(crate) struct Keys {
    rotation: Rotation,
    /// The number of requests with each key, the current key last.
    accepted: Vec<usize>,
    rejected: usize,
    listeners: Vec<Listener>,
}

/// A function that gets the number of each new key.
type Listener = Box<dyn FnMut(usize) + Send + Sync>;

impl Upstream {
    pub(crate) fn new(rotation: Rotation) -> Self {
        Self(Arc::new(watch::Sender::new(Keys {
            rotation,
            accepted: vec![0],
            rejected: 0,
            listeners: Vec::new(),
        })))
    }

    /// Starts the key of a client, from a secret store.
    pub(crate) async fn key(&self) -> Result<RotatingCredential, StartError> {
        let builder = RotatingCredential::builder()
            .poll(NEVER)
            .min_interval(Duration::ZERO);
        let rotation = self.0.borrow().rotation;
        match rotation {
            Rotation::CutOver => {
                let store = self.clone();
                let fetch = move || {
                    let current = store.0.borrow().accepted.len();
                    async move { Ok::<_, SourceError>(Secret::from(token(current))) }
                };
                builder.start(source_fn(fetch).bearer()).await
            }
            Rotation::Overlap => {
                let (sender, source) = channel();
                self.on_rotation(move |number| sender.send(Secret::from(token(number))));
                builder.start(source.bearer()).await
            }
        }
    }

    /// Calls a function with the number of the current key, and of each one that follows.
    pub(crate) fn on_rotation(&self, listener: impl FnMut(usize) + Send + Sync + 'static) {
        self.0
            .send_modify(|keys| keys.add_listener(Box::new(listener)));
    }

    /// Rotates the key, for the server and the store at once.
    pub(crate) fn rotate(&self) {
        self.0.send_modify(Keys::rotate);
    }

    /// Returns whether a request with these headers has a valid key, and counts it.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let mut admitted = false;
        self.0.send_modify(|keys| admitted = keys.verify(headers));
        admitted
    }

    /// Counts a request with the key of that number. For a server that checks keys itself.
    #[cfg(feature = "tonic-server")]
    pub(crate) fn admitted(&self, number: usize) {
        self.0.send_modify(|keys| keys.accepted[number - 1] += 1);
    }

    /// Returns the keys, to inspect and wait for.
    pub(crate) fn watch(&self) -> watch::Receiver<Keys> {
        self.0.subscribe()
    }

    /// Serves an application on loopback to callers with a valid key, and returns its URL.
    pub(crate) async fn serve(&self, app: Router) -> Result<String, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let app = app.layer(from_fn_with_state(self.clone(), check_key));
        tokio::spawn(axum::serve(listener, app).into_future());
        Ok(url)
    }
}

/// Lets in requests with a valid key.
///
/// Reads the whole body first: a server that answers early and closes the connection can fail the
/// next request on it.
async fn check_key(State(upstream): State<Upstream>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if upstream.admits(&head.headers) {
        let request = Request::from_parts(head, Body::from(body));
        return next.run(request).await;
    }
    if grpc::is_call(&head.headers) {
        return grpc::unauthenticated();
    }
    let challenge = [(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
    (StatusCode::UNAUTHORIZED, challenge).into_response()
}

impl Keys {
    /// Returns how many new keys came into use.
    pub(crate) fn rotations(&self) -> usize {
        let used = self.accepted.iter().filter(|accepted| **accepted > 0);
        used.count().saturating_sub(1)
    }

    /// Returns whether the current key is in use.
    pub(crate) fn current_is_used(&self) -> bool {
        self.accepted.last().is_some_and(|accepted| *accepted > 0)
    }

    /// Returns whether the client learned of each rotation in the way that `Rotation` says.
    pub(crate) fn learned_as_intended(&self) -> bool {
        match self.rotation {
            Rotation::CutOver => self.rejected >= self.rotations(),
            Rotation::Overlap => self.rejected == 0,
        }
    }

    fn add_listener(&mut self, mut listener: Listener) {
        listener(self.accepted.len());
        self.listeners.push(listener);
    }

    fn rotate(&mut self) {
        self.accepted.push(0);
        for listener in &mut self.listeners {
            listener(self.accepted.len());
        }
    }

    fn verify(&mut self, headers: &HeaderMap) -> bool {
        let valid = match self.rotation {
            Rotation::CutOver => 1,
            Rotation::Overlap => 2,
        };
        let newest = self.accepted.len();
        let bearer = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        let presented = (1..=newest)
            .rev()
            .take(valid)
            .find(|number| bearer == Some(token(*number).as_bytes()));
        match presented {
            Some(number) => self.accepted[number - 1] += 1,
            None => self.rejected += 1,
        }
        presented.is_some()
    }
}

/// Returns the key with this number, counted from 1.
pub(crate) fn token(number: usize) -> String {
    format!("key-{number}-of-the-upstream")
}
