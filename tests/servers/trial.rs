//! Clients that send requests at a steady rate while their key rotates.

use std::convert::identity;
use std::fmt::{self, Debug};
use std::fs;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tempfile::TempDir;
use tokio::join;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tower::{Layer as _, Service, ServiceExt as _};
use tower_rotating_auth::{
    outbound::{AttemptResult, InjectKeyLayer, IntoCredential, Outcome, RotatingCredential},
    source::FileSource,
};

use crate::haproxy::{Answers, Haproxy, NEVER};
use crate::slow_link;
use crate::tally::{Answer, Tally};

/// Half of a round trip.
const ONE_WAY: Duration = Duration::from_millis(40);
/// How many clients there are. Each has connections of its own, and all share the key.
const CLIENTS: u32 = 20;
/// How many requests all clients send in a second.
const RATE: u32 = 150;
/// How long a client waits between two requests.
const PAUSE: Duration = Duration::from_nanos(1_000_000_000 * CLIENTS as u64 / RATE as u64);
/// How long the first key is in use before it is rotated.
const WARM_UP: Duration = Duration::from_secs(2);
/// How far the file and the upstream are apart.
const APART: Duration = Duration::from_secs(1);
/// A request that takes longer is lost.
const LONGEST: Duration = Duration::from_secs(30);

/// When the key is rotated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) rotations: u32,
    /// The time between two rotations.
    pub(crate) period: Duration,
}

/// Who gets the new key first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    File,
    Upstream,
}

/// Whether another client provokes a rejection each second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hostile {
    Absent,
    Present,
}

/// The settings of a trial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    pub(crate) first: First,
    /// How long the upstream accepts the old key beside the new one.
    pub(crate) overlap: Duration,
    pub(crate) hostile: Hostile,
    pub(crate) max_sends: u8,
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = match self.first {
            First::File => "file 1 s ahead",
            First::Upstream => "file 1 s behind",
        };
        let (overlap, sends) = (self.overlap.as_secs(), self.max_sends);
        write!(f, "{first}, overlap {overlap} s, {sends} sends at most")?;
        match self.hostile {
            Hostile::Absent => Ok(()),
            Hostile::Present => f.write_str(", beside a hostile client"),
        }
    }
}

impl Trial {
    /// Rotates the key under load, and returns what that cost the honest clients.
    pub(crate) async fn run(self, schedule: Schedule) -> Tally {
        let Schedule { rotations, period } = schedule;
        let haproxy = Haproxy::start(&key(0)).await;
        let url = slow_link::open(&haproxy.http_socket(), ONE_WAY).await;
        let file = KeyFile::new(&key(0));
        let credential = FileSource::new(file.path()).bearer();
        let credential = RotatingCredential::start(credential).await.unwrap();
        let layer = InjectKeyLayer::new(&*url, credential).unwrap();
        let layer = layer.max_sends(self.max_sends);
        let client = || layer.layer(Client::builder(TokioExecutor::new()).build_http());

        let start = Instant::now();
        let until = start + WARM_UP + period * rotations;
        let mut honest = JoinSet::new();
        for number in 0..CLIENTS {
            let first = start + PAUSE / CLIENTS * number;
            honest.spawn(send_every(PAUSE, first, until, client(), format!("{url}/")));
        }
        let pace = Duration::from_secs(1);
        let hostile = (self.hostile == Hostile::Present)
            .then(|| send_every(pace, start, until, client(), format!("{url}{NEVER}")));
        let hostile = tokio::spawn(async move {
            match hostile {
                Some(load) => load.await,
                None => Tally::default(),
            }
        });
        for number in 0..rotations {
            let at = start + WARM_UP + period * number;
            self.rotate(number, at, &haproxy, &file).await;
        }
        let honest = honest.join_all().await.into_iter();
        let honest = honest.fold(Tally::default(), |mut sum, tally| {
            sum.merge(tally);
            sum
        });
        let hostile = hostile.await.unwrap();
        if honest.lost() == 0 {
            // The clients and the server must agree on what was sent.
            let rejected = honest.rejections + hostile.rejections;
            let accepted = honest.sends + hostile.sends - rejected;
            let answers = Answers { accepted, rejected };
            assert_eq!(haproxy.answers().await, answers, "{self}");
        }
        honest
    }

    /// Replaces the key with this number by the next one.
    async fn rotate(&self, number: u32, at: Instant, haproxy: &Haproxy, file: &KeyFile) {
        let (old, new) = (key(number), key(number + 1));
        let (file_at, upstream_at) = match self.first {
            First::File => (at, at + APART),
            First::Upstream => (at + APART, at),
        };
        let deliver = async {
            sleep_until(file_at).await;
            file.replace(&new);
        };
        let switch = async {
            sleep_until(upstream_at).await;
            if self.overlap.is_zero() {
                haproxy.replace(&new).await;
            } else {
                haproxy.add(&new).await;
                sleep_until(upstream_at + self.overlap).await;
                haproxy.remove(&old).await;
            }
        };
        join!(deliver, switch);
    }
}

fn key(number: u32) -> String {
    format!("sk-{number}")
}

/// A key file that is replaced by rename.
struct KeyFile(TempDir);

impl KeyFile {
    fn new(key: &str) -> Self {
        let file = Self(tempfile::tempdir().unwrap());
        file.replace(key);
        file
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("upstream-key")
    }

    fn replace(&self, key: &str) {
        let new = self.0.path().join("new");
        fs::write(&new, key).unwrap();
        fs::rename(&new, self.path()).unwrap();
    }
}

/// Sends a request every `pause`, whether or not earlier ones are answered.
async fn send_every<S>(
    pause: Duration,
    first: Instant,
    until: Instant,
    client: S,
    url: String,
) -> Tally
where
    S: Service<Request<Full<Bytes>>, Response = Response<Incoming>> + Clone + Send + 'static,
    S: Service<Request<Full<Bytes>>, Error: Debug, Future: Send>,
{
    let mut requests = JoinSet::new();
    let mut tally = Tally::default();
    let mut next = first;
    while next < until {
        sleep_until(next).await;
        tally.stall = tally.stall.max(next.elapsed());
        next += pause;
        requests.spawn(send(client.clone(), url.clone()));
    }
    for answer in requests.join_all().await {
        tally.add(answer);
    }
    tally
}

async fn send<S>(client: S, url: String) -> Answer
where
    S: Service<Request<Full<Bytes>>, Response = Response<Incoming>, Error: Debug>,
{
    let began = Instant::now();
    let request = Request::post(url).body(Full::from(r#"{"model":"tiny"}"#));
    let answered = async {
        let response = client.oneshot(request.unwrap()).await;
        let response = response.map_err(|error| format!("{error:?}"))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| format!("{error:?}"))?;
        drop(body);
        Ok::<_, String>(head)
    };
    let answered = timeout(LONGEST, answered).await;
    let answered = answered
        .map_err(|_| "no answer".to_owned())
        .and_then(identity);
    let outcome = answered.as_ref().ok();
    let outcome = outcome.and_then(|head| head.extensions.get::<Outcome>());
    let attempts = outcome.map_or(&[][..], Outcome::attempts);
    let rejected = attempts
        .iter()
        .filter(|attempt| attempt.result != AttemptResult::NotRejected);
    let count = |number: usize| u32::try_from(number).unwrap();
    Answer {
        sends: count(attempts.len().max(1)),
        rejections: count(rejected.count()),
        took: began.elapsed(),
        lost: match &answered {
            Ok(head) if head.status == StatusCode::OK => None,
            Ok(head) => Some(format!("{} {outcome:?}", head.status)),
            Err(error) => Some(error.clone()),
        },
    }
}
