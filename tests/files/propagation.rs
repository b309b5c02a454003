//! How long a new key takes from the file to the first request that carries it.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::tempdir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, spawn};
use tokio::time::{sleep, timeout};
use tower::{Layer as _, Service, ServiceExt as _};
use tower_rotating_auth::{
    outbound::{InjectKeyLayer, IntoCredential as _, RotatingCredential},
    source::FileSource,
};

use super::envoy::Envoy;
use super::figures::{Figures, head, report, rotations};
use super::support::{LOOKED_AT, Volume, replacement, write};

/// How soon a change reaches the upstream that the watch sees.
const GOAL: Duration = Duration::from_millis(3);

fn key(number: usize) -> String {
    format!("sk-{number}")
}

/// A server that remembers the last key it was sent, and when that came first.
struct Upstream {
    address: SocketAddr,
    key: watch::Receiver<(String, Instant)>,
}

impl Upstream {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, key) = watch::channel((String::new(), Instant::now()));
        let seen = Arc::new(seen);
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                let answer = service_fn(move |request: Request<Incoming>| {
                    let now = Instant::now();
                    let sent = request.headers().get("authorization");
                    let sent = sent.map_or("", |value| value.to_str().unwrap());
                    let sent = sent.trim_start_matches("Bearer ");
                    seen.send_if_modified(|(key, at)| {
                        let is_new = key != sent;
                        if is_new {
                            (*key, *at) = (sent.to_owned(), now);
                        }
                        is_new
                    });
                    async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
                });
                spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self { address, key }
    }

    /// Waits for this key. Returns when its first request came.
    async fn first(&mut self, key: &str) -> Instant {
        let wait = self.key.wait_for(|(found, _)| found == key);
        let found = timeout(Duration::from_secs(30), wait).await;
        found.expect("the key arrives").unwrap().1
    }

    /// Measures how long each key takes. `next` prepares a change, and returns what makes it.
    async fn measure<F: FnOnce()>(
        &mut self,
        times: usize,
        mut next: impl FnMut(&str) -> F,
    ) -> Vec<Duration> {
        let mut took = Vec::new();
        self.first(&key(0)).await;
        for number in 1..=times {
            let change = next(&key(number));
            // Out of step with whatever happens every second.
            sleep(Duration::from_millis(40 + number as u64 * 7 % 60)).await;
            let began = Instant::now();
            change();
            let first = self.first(&key(number)).await;
            took.push(first.saturating_duration_since(began));
        }
        took
    }
}

/// Ends the load when it is dropped.
struct Load(AbortHandle);

impl Drop for Load {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Sends one request after the other.
fn load<S>(service: S, to: SocketAddr) -> Load
where
    S: Service<Request<Empty<Bytes>>, Response: Send, Error: std::fmt::Debug, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let sending = spawn(async move {
        loop {
            let request = Request::get(format!("http://{to}/")).body(Empty::new());
            let sent = service.clone().oneshot(request.unwrap()).await;
            drop(sent.unwrap());
            // A service that sends as fast as it can leaves no time for anything else.
            sleep(Duration::from_micros(1)).await;
        }
    });
    Load(sending.abort_handle())
}

/// Sends requests with the key of a file source.
async fn injected(upstream: &Upstream, source: FileSource) -> Load {
    let credential = RotatingCredential::start(source.bearer()).await.unwrap();
    let origin = format!("http://{}", upstream.address);
    let layer = InjectKeyLayer::new(&*origin, credential).unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    load(layer.layer(client), upstream.address)
}

/// Measures changes of a file that holds the first key.
async fn of_file<F: FnOnce()>(
    what: &str,
    times: usize,
    source: impl Fn(&Path) -> FileSource,
    next: impl Fn(&Path, &str) -> F,
) -> Figures {
    let folder = tempdir().unwrap();
    let path = folder.path().join("live/keys/openai");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write(&path, &key(0));
    let mut upstream = Upstream::start().await;
    let _load = injected(&upstream, source(&path)).await;
    report(what, upstream.measure(times, |key| next(&path, key)).await)
}

fn in_place(path: &Path, content: &str) -> impl FnOnce() + use<> {
    let (path, content) = (path.to_owned(), content.to_owned());
    move || write(&path, &content)
}

/// Prepares a folder that takes the place of `live`, two levels above the file.
fn ancestor(path: &Path, content: &str) -> impl FnOnce() + use<> {
    let live = path.ancestors().nth(2).unwrap().to_owned();
    let [next, old] = ["next", "old"].map(|name| live.with_file_name(name));
    if old.exists() {
        fs::remove_dir_all(&old).unwrap();
    }
    fs::create_dir_all(next.join("keys")).unwrap();
    write(&next.join("keys/openai"), content);
    move || {
        fs::rename(&live, old).unwrap();
        fs::rename(next, live).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_key_reaches_the_upstream_within_milliseconds() {
    let times = rotations();
    head("from the change to the first request");
    let watched = |path: &Path| FileSource::new(path);
    let seen = [
        of_file("a rename", times, watched, replacement).await,
        of_swap(times).await,
        of_file("a write in place, and its close", times, watched, in_place).await,
    ];
    of_envoy(times).await;
    let unseen = [
        of_file(
            "a folder renamed two levels above",
            times,
            watched,
            ancestor,
        )
        .await,
        of_file(
            "a rename, without the watch",
            times,
            |path| FileSource::new(path).without_watch(),
            replacement,
        )
        .await,
    ];
    for figures in seen {
        assert!(figures.median <= GOAL, "{figures:?}");
    }
    for figures in unseen {
        assert!(figures.longest <= LOOKED_AT, "{figures:?}");
    }
}

async fn of_swap(times: usize) -> Figures {
    let folder = tempdir().unwrap();
    let mut volume = Volume::new(folder.path(), &key(0));
    let mut upstream = Upstream::start().await;
    let _load = injected(&upstream, FileSource::new(volume.path())).await;
    let took = upstream.measure(times, |key| volume.next(key)).await;
    report("a swap of ..data", took)
}

async fn of_envoy(times: usize) {
    let mut upstream = Upstream::start().await;
    let envoy = Envoy::start(upstream.address, &key(0)).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let _load = load(client, envoy.address);
    let took = upstream.measure(times, |key| envoy.next(key)).await;
    report("a rename, Envoy's credential_injector", took);
}
