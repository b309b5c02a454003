//! An upstream that records which request carried which key.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::watch;

use super::rotation_of;
use crate::gateway::harness::serve;

/// The events of one stream, from one rotation to the next.
pub(crate) const EVENTS: usize = 3;
/// A client's request, whichever attempt it is.
pub(crate) const ID: &str = "x-id";
/// The last key that the gateway knew to be in use when the client sent its request.
pub(crate) const IN_USE: &str = "x-in-use";

#[derive(Clone)]
pub(crate) struct Upstream {
    address: SocketAddr,
    record: Record,
}

#[derive(Clone)]
struct Record {
    requests: Arc<Mutex<Requests>>,
    progress: Arc<watch::Sender<Progress>>,
}

#[derive(Default)]
struct Requests {
    /// The keys that are taken: from the first to the second.
    taken: (usize, usize),
    attempts: HashMap<String, usize>,
    /// Requests that have begun and that no key has let in yet, each with the newest key that the
    /// gateway knew to be taken then.
    under_way: HashMap<String, usize>,
    /// Requests that a key has let in, each with that key, until they are answered.
    let_in: HashMap<String, usize>,
    counts: Counts,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    /// The newest key that a request came with.
    seen: usize,
    /// The newest key that was rejected, and one more.
    rejected: usize,
    /// The newest key that was let in and whose client has its answer: the gateway knows that it is
    /// taken.
    answered: usize,
    /// The oldest key that may be on its way.
    oldest_under_way: Option<usize>,
    finished: bool,
}

/// The requests that came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: usize,
    pub(crate) rejected: usize,
    /// Of those, requests that had been given the key before while it was the current one.
    pub(crate) loaded_before: usize,
    /// Requests that came at first with an older key than the one that was in use when they began.
    pub(crate) late: usize,
    /// Requests that were rejected with the key in use, and then with the one before.
    pub(crate) fell_back: usize,
    /// Requests without a whole key.
    pub(crate) torn: usize,
    /// Times that one request came.
    pub(crate) most_attempts: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requests,
            rejected,
            loaded_before,
            late,
            fell_back,
            torn,
            most_attempts,
        } = self;
        write!(
            f,
            "the upstream saw {requests} requests and rejected {rejected}, {loaded_before} of them with the \
             key that was current when they were given it, {late} with an older one, {fell_back} with the one before, \
             {torn} without a whole key, \
             none more than {most_attempts} times"
        )
    }
}

impl Upstream {
    /// Takes the first key.
    pub(crate) async fn start() -> Self {
        let record = Record {
            requests: Arc::default(),
            progress: Arc::new(watch::Sender::new(Progress::default())),
        };
        let app = Router::new()
            .route("/v1/models", get(async || "models"))
            .route("/v1/echo", post(async |body: Bytes| body))
            .route("/v1/stream", post(stream_through_a_rotation))
            .with_state(record.clone())
            .layer(axum::middleware::from_fn_with_state(
                record.clone(),
                with_a_key_that_is_taken,
            ));
        Self {
            address: serve(app).await,
            record,
        }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the next key is taken beside the one before.
    pub(crate) fn take_also(&self, rotation: usize) {
        self.record.requests.lock().unwrap().taken.1 = rotation;
    }

    /// From now on no other key is taken.
    pub(crate) fn take_only(&self, rotation: usize) {
        self.record.requests.lock().unwrap().taken = (rotation, rotation);
    }

    /// The newest key that has been used.
    pub(crate) fn in_use(&self) -> usize {
        self.record.progress.borrow().seen
    }

    pub(crate) async fn has_seen(&self, rotation: usize) {
        self.wait_for(|progress| progress.seen >= rotation).await;
    }

    /// Waits until nothing is left that may still come with an older key: a second replacement in
    /// the course of one request is more than one replay makes good. A replacement is not over
    /// until the gateway knows of it.
    pub(crate) async fn has_settled_on(&self, rotation: usize) {
        self.wait_for(|progress| {
            let oldest = progress.oldest_under_way;
            progress.answered >= rotation && oldest.is_none_or(|oldest| oldest >= rotation)
        })
        .await;
    }

    pub(crate) async fn has_rejected(&self, rotation: usize) {
        self.wait_for(|progress| progress.rejected > rotation).await;
    }

    /// A client is about to send a request; the key that the gateway knows to be in use.
    pub(crate) fn begins(&self, id: &str) -> usize {
        let mut requests = self.record.requests.lock().unwrap();
        let answered = self.record.progress.borrow().answered;
        requests.under_way.insert(id.to_owned(), answered);
        self.record
            .progress
            .send_modify(|progress| progress.oldest_under_way = requests.oldest());
        answered
    }

    /// A client has its answer, whatever it is.
    pub(crate) fn ends(&self, id: &str) {
        let mut requests = self.record.requests.lock().unwrap();
        requests.under_way.remove(id);
        let key = requests.let_in.remove(id).unwrap_or_default();
        self.record.progress.send_modify(|progress| {
            progress.answered = progress.answered.max(key);
            progress.oldest_under_way = requests.oldest();
        });
    }

    /// There will be no other key: what waits for one goes on.
    pub(crate) fn finish(&self) {
        self.record
            .progress
            .send_modify(|progress| progress.finished = true);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.record.requests.lock().unwrap().counts
    }

    async fn wait_for(&self, condition: impl FnMut(&Progress) -> bool) {
        let mut progress = self.record.progress.subscribe();
        progress.wait_for(condition).await.unwrap();
    }
}

impl Requests {
    fn oldest(&self) -> Option<usize> {
        self.under_way.values().min().copied()
    }
}

impl Record {
    /// Writes a request down. Whether its key is taken.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let id = text(ID).unwrap_or_default().to_owned();
        let in_use: usize = text(IN_USE).and_then(|text| text.parse().ok()).unwrap_or(0);
        let key = text("authorization").and_then(|text| rotation_of(text.strip_prefix("Bearer ")?));

        let mut requests = self.requests.lock().unwrap();
        let (oldest, newest) = requests.taken;
        let attempts = requests.attempts.entry(id.clone()).or_default();
        *attempts += 1;
        let attempts = *attempts;
        let counts = &mut requests.counts;
        counts.requests += 1;
        counts.most_attempts = counts.most_attempts.max(attempts);
        let is_older = key.is_some_and(|key| key < in_use);
        counts.late += usize::from(is_older && attempts == 1);
        let taken = key.filter(|key| (oldest..=newest).contains(key));
        if let Some(key) = taken {
            requests.under_way.remove(&id);
            requests.let_in.insert(id, key);
        } else {
            counts.rejected += 1;
            counts.torn += usize::from(key.is_none());
            counts.fell_back += usize::from(is_older && attempts > 1);
            let before = key.is_some_and(|key| key >= in_use && key + 1 == newest);
            counts.loaded_before += usize::from(before);
        }
        self.progress.send_modify(|progress| {
            progress.oldest_under_way = requests.oldest();
            match (taken, key) {
                (Some(key), _) => progress.seen = progress.seen.max(key),
                (None, Some(key)) => progress.rejected = progress.rejected.max(key + 1),
                (None, None) => {}
            }
        });
        taken.is_some()
    }
}

async fn with_a_key_that_is_taken(
    State(record): State<Record>,
    request: Request<Body>,
    next: axum::middleware::Next,
) -> Response {
    if record.admits(request.headers()) {
        return next.run(request).await;
    }
    // Left unread, it would cost the connection, and perhaps a request that is sent on it
    // meanwhile.
    drop(request.into_body().collect().await);
    StatusCode::UNAUTHORIZED.into_response()
}

/// A stream during which the key is replaced: an event for the beginning, one for each key that
/// comes into use, up to [`EVENTS`]; and the end.
async fn stream_through_a_rotation(State(record): State<Record>, _: Bytes) -> impl IntoResponse {
    let progress = record.progress.subscribe();
    let first = progress.borrow().seen;
    let events = stream::unfold((0, progress), move |(sent, mut progress)| async move {
        if sent > EVENTS {
            return None;
        }
        let due = first + sent;
        let waited = progress
            .wait_for(|now| now.finished || now.seen >= due)
            .await;
        drop(waited.unwrap());
        let text = if sent == EVENTS {
            "[DONE]".to_owned()
        } else {
            sent.to_string()
        };
        Some((
            Ok::<_, Infallible>(Event::default().data(text)),
            (sent + 1, progress),
        ))
    });
    Sse::new(events)
}
