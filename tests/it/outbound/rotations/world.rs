//! The upstream, the key file, and the clients.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_rotating_auth::{
    Secret,
    outbound::{InjectKeyLayer, IntoCredential, Outcome, RotatingCredential},
    source::{Sender, channel},
};

use crate::outbound::ORIGIN;
use crate::support::{millis, secs};

/// A path that the upstream answers with 401, whatever the key.
pub(crate) const NEVER: &str = "/never";

/// Which keys an upstream accepts, and when.
#[derive(Clone)]
pub(crate) struct Upstream(Arc<Mutex<State>>);

struct State {
    round_trip: Duration,
    /// The keys of each node: (key, from, until).
    nodes: Vec<Vec<(String, Instant, Instant)>>,
    next_node: usize,
    /// The key of each request, and when it came.
    arrivals: Vec<(String, Instant)>,
}

impl Upstream {
    pub(crate) fn new(round_trip: Duration, nodes: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            round_trip,
            nodes: vec![Vec::new(); nodes],
            next_node: 0,
            arrivals: Vec::new(),
        })))
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    /// Accepts a key from `from` until `until`, each node `lag` later than the one before it.
    pub(crate) fn accept(&self, key: &str, from: Instant, until: Instant, lag: Duration) {
        self.with(|state| {
            for (number, node) in state.nodes.iter_mut().enumerate() {
                let from = from + lag * u32::try_from(number).unwrap();
                node.push((key.into(), from, until));
            }
        });
    }

    /// Returns whether every node accepts the key at `at`.
    pub(crate) fn accepts(&self, key: &str, at: Instant) -> bool {
        self.with(|state| state.nodes.iter().all(|node| takes(node, key, at)))
    }

    pub(crate) fn sends(&self) -> usize {
        self.with(|state| state.arrivals.len())
    }

    /// Returns when the last request with this key came.
    pub(crate) fn last_arrival(&self, key: &str) -> Option<Instant> {
        self.with(|state| {
            let arrivals = state.arrivals.iter().filter(|(known, _)| known == key);
            arrivals.map(|(_, at)| *at).max()
        })
    }

    /// Accepts a key until `until`, and no longer.
    pub(crate) fn end(&self, key: &str, until: Instant) {
        self.with(|state| {
            for (known, _, end) in state.nodes.iter_mut().flatten() {
                if known == key {
                    *end = until;
                }
            }
        });
    }

    pub(crate) fn service(
        &self,
    ) -> impl Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static {
        let upstream = self.clone();
        service_fn(move |request: Request<String>| {
            let upstream = upstream.clone();
            async move {
                let half = upstream.with(|state| state.round_trip) / 2;
                sleep(half).await;
                let key = request.headers().get("authorization").cloned();
                let key = key.map(|key| key.to_str().unwrap().replace("Bearer ", ""));
                let accepted = upstream.with(|state| {
                    let came = key.clone().unwrap_or_default();
                    state.arrivals.push((came, Instant::now()));
                    state.next_node = (state.next_node + 1) % state.nodes.len();
                    let node = &state.nodes[state.next_node];
                    request.uri().path() != NEVER
                        && key.is_some_and(|key| takes(node, &key, Instant::now()))
                });
                sleep(half).await;
                let status = if accepted {
                    StatusCode::OK
                } else {
                    StatusCode::UNAUTHORIZED
                };
                let response = Response::builder().status(status);
                Ok::<_, Infallible>(response.body(request.into_body()).unwrap())
            }
        })
    }
}

fn takes(node: &[(String, Instant, Instant)], key: &str, at: Instant) -> bool {
    node.iter()
        .any(|(known, from, until)| known == key && *from <= at && at < *until)
}

/// Whether a body can be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Kept,
    Once,
}

/// One change of the key, at the upstream and in the file.
#[derive(Clone, Debug)]
pub(crate) struct Rotation {
    /// How long after the upstream accepts the new key the file has it. Negative: before.
    pub(crate) file_after_millis: i64,
    /// How long the upstream accepts the old key beside the new one.
    pub(crate) overlap: Duration,
    /// How much later the second node of the upstream accepts the new key.
    pub(crate) lag: Duration,
    /// What the file has in between, for a second: a torn key, or a wrong one.
    pub(crate) before: Option<&'static str>,
}

/// An answer, and when the request was sent and answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) status: StatusCode,
    pub(crate) sends: usize,
}

/// A run: an upstream, a key file, and what was written to it.
pub(crate) struct Run {
    pub(crate) upstream: Upstream,
    pub(crate) key: RotatingCredential,
    file: Sender<Secret>,
    written: Vec<(String, Instant)>,
    current: String,
    count: usize,
}

/// Longer than any run.
pub(crate) const FOR_EVER: Duration = secs(1_000_000);

impl Run {
    /// Starts with a key that the upstream accepts and that was used.
    pub(crate) async fn start(round_trip: Duration, nodes: usize, overlap: Duration) -> Self {
        let upstream = Upstream::new(round_trip, nodes);
        let now = Instant::now();
        upstream.accept("key-0", now, now + FOR_EVER, Duration::ZERO);
        let (file, source) = channel();
        file.send(Secret::from("key-0"));
        let builder = RotatingCredential::builder().overlap(overlap);
        let key = builder.start(source.bearer()).await.unwrap();
        Self {
            upstream,
            key,
            file,
            written: vec![("key-0".into(), now)],
            current: "key-0".into(),
            count: 0,
        }
    }

    /// Rotates: the upstream switches at `at`.
    pub(crate) async fn rotate(&mut self, rotation: &Rotation, at: Instant) {
        self.count += 1;
        let next = format!("key-{}", self.count);
        let millis_after = |millis: i64| {
            let time = Duration::from_millis(millis.unsigned_abs());
            if millis < 0 { at - time } else { at + time }
        };
        let write_at = millis_after(rotation.file_after_millis);
        self.upstream.accept(&next, at, at + FOR_EVER, rotation.lag);
        let ends = at + rotation.overlap;
        self.upstream.end(&self.current, ends);
        if let Some(wrong) = rotation.before {
            sleep_until(write_at - secs(1)).await;
            self.file.send(Secret::from(wrong));
        }
        sleep_until(write_at).await;
        self.file.send(Secret::from(&*next));
        self.written.push((next.clone(), write_at));
        self.current = next;
    }

    /// Returns whether a lost request could have been served: when it was answered, the file had
    /// held a key for a second that every node accepted then.
    pub(crate) fn was_servable(&self, lost: &Answered) -> bool {
        self.written.iter().any(|(key, written)| {
            *written + secs(1) <= lost.ended && self.upstream.accepts(key, lost.ended)
        })
    }
}

/// Sends a request every `pause` from now on, each in its own task, until `until`.
pub(crate) fn clients(
    upstream: &Upstream,
    key: &RotatingCredential,
    path: &'static str,
    pause: Duration,
    until: Instant,
    body: Body,
    max_sends: u8,
) -> JoinHandle<Vec<Answered>> {
    let layer = InjectKeyLayer::new(ORIGIN, key.clone()).unwrap();
    let client = layer
        .max_sends(max_sends)
        .replay(move |text: &String| (body == Body::Kept).then(|| text.clone()))
        .layer(upstream.service());
    tokio::spawn(async move {
        let mut requests = Vec::new();
        let mut next = Instant::now();
        while next < until {
            sleep_until(next).await;
            next += pause;
            let client = client.clone();
            requests.push(tokio::spawn(async move {
                let began = Instant::now();
                let request = Request::post(format!("{ORIGIN}{path}"));
                let request = request.body("body".to_owned()).unwrap();
                let response = ServiceExt::oneshot(client, request).await.unwrap();
                let outcome: Option<&Outcome> = response.extensions().get();
                Answered {
                    began,
                    ended: Instant::now(),
                    status: response.status(),
                    sends: outcome.map_or(1, |outcome| outcome.attempts().len()),
                }
            }));
        }
        let mut answers = Vec::new();
        for request in requests {
            answers.push(request.await.unwrap());
        }
        answers
    })
}

pub(crate) fn lost(answers: &[Answered]) -> impl Iterator<Item = &Answered> {
    answers
        .iter()
        .filter(|answer| answer.status != StatusCode::OK)
}

/// The pause between requests of the usual load, which never falls on a round number.
pub(crate) const PAUSE: Duration = millis(53);
