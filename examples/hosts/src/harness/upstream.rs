//! A server's knowledge of the current key, and the secret store that delivers it.

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
    Rotating, Secret,
    outbound::{Credential, IntoCredential},
    rotating::StartError,
    source::{SourceError, channel, source_fn},
};

use super::{Failed, grpc};

/// Longer than any trial.
const NEVER: Duration = Duration::from_secs(24 * 3600);
const LARGEST_BODY: usize = 1 << 20;

/// What becomes of a key when there is a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// It is dead at once, and nobody is told: a client finds out by being rejected.
    CutOver,
    /// It is good until the next but one, and clients are told of the new one.
    #[cfg_attr(
        not(any(feature = "otlp-grpc", feature = "tonic-server")),
        expect(dead_code, reason = "of the hosts that are built, none needs it")
    )]
    Overlap,
}

/// A server's knowledge of its keys. Clones share it.
#[derive(Clone)]
pub(crate) struct Upstream(Arc<watch::Sender<Keys>>);

/// The keys, and what came of them.
pub(crate) struct Keys {
    rotation: Rotation,
    /// For each key, the current one last: how many requests came with it.
    accepted: Vec<usize>,
    rejected: usize,
    told: Vec<Tell>,
}

/// Is told the number of each key.
type Tell = Box<dyn FnMut(usize) + Send + Sync>;

impl Upstream {
    pub(crate) fn new(rotation: Rotation) -> Self {
        Self(Arc::new(watch::Sender::new(Keys {
            rotation,
            accepted: vec![0],
            rejected: 0,
            told: Vec::new(),
        })))
    }

    /// The key for a client, as a secret store delivers it.
    pub(crate) async fn key(&self) -> Result<Rotating<Credential>, StartError> {
        let builder = Rotating::builder().poll(NEVER).min_interval(Duration::ZERO);
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

    /// Tells the number of the current key and of each that follows, at once and one after the other.
    pub(crate) fn on_rotation(&self, tell: impl FnMut(usize) + Send + Sync + 'static) {
        self.0.send_modify(|keys| keys.tell(Box::new(tell)));
    }

    /// Makes a new key the current one, for the server and for the store in the same moment.
    pub(crate) fn rotate(&self) {
        self.0.send_modify(Keys::rotate);
    }

    /// Whether a request with these headers has a good key.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        let mut admitted = false;
        self.0.send_modify(|keys| admitted = keys.judge(headers));
        admitted
    }

    /// Counts a request with the key of that number, let in by a server that looks at keys itself.
    #[cfg(feature = "tonic-server")]
    pub(crate) fn admitted(&self, number: usize) {
        self.0.send_modify(|keys| keys.accepted[number - 1] += 1);
    }

    /// The keys, to be looked at and waited for.
    pub(crate) fn watch(&self) -> watch::Receiver<Keys> {
        self.0.subscribe()
    }

    /// Serves an application on loopback to those who have the key, and tells its URL.
    pub(crate) async fn serve(&self, app: Router) -> Result<String, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let app = app.layer(from_fn_with_state(self.clone(), door));
        tokio::spawn(axum::serve(listener, app).into_future());
        Ok(url)
    }
}

/// Reads a request to its end before it is judged: who answers while a body is on its way, and closes, may
/// take another request down.
async fn door(State(upstream): State<Upstream>, request: Request, next: Next) -> Response {
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
    /// How often a new key came into use.
    pub(crate) fn rotations(&self) -> usize {
        let used = self.accepted.iter().filter(|accepted| **accepted > 0);
        used.count().saturating_sub(1)
    }

    /// Whether the current key is in use.
    pub(crate) fn current_is_used(&self) -> bool {
        self.accepted.last().is_some_and(|accepted| *accepted > 0)
    }

    /// Whether each rotation was found out about in the way that it was meant to be.
    pub(crate) fn found_out(&self) -> bool {
        match self.rotation {
            Rotation::CutOver => self.rejected >= self.rotations(),
            Rotation::Overlap => self.rejected == 0,
        }
    }

    fn tell(&mut self, mut tell: Tell) {
        tell(self.accepted.len());
        self.told.push(tell);
    }

    fn rotate(&mut self) {
        self.accepted.push(0);
        for tell in &mut self.told {
            tell(self.accepted.len());
        }
    }

    fn judge(&mut self, headers: &HeaderMap) -> bool {
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

/// The key of a number, from 1.
pub(crate) fn token(number: usize) -> String {
    format!("key-{number}-of-the-upstream")
}
