//! What a request pays for its key: beside tower-http's static header and tower's `Retry`, in one run.
//!
//! Cases are interleaved in rounds, so that a machine that changes its pace changes it for all; the
//! figure is the median over the rounds, less that of a service that does nothing. Allocations are
//! counted, and those of ours are asserted.
//!
//! `cargo bench --bench hot_path`, or with `-- --quick` for a check that takes a second.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run is to stop")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::sync::{Arc, Barrier, RwLock};
use std::thread;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, ServiceBuilder};
use tower_http::auth::AddAuthorizationLayer;
use tower_http::set_header::SetRequestHeaderLayer;
use tower_rotating_auth::{Credential, InjectKey, Rotating, Secret};

type Req = Request<Full<Bytes>>;

const KEY: &str = "trk_0123456789ab_0123456789abcdefghijklmnopqrstuvwxyz";
const BATCH: usize = 128;

/// One case: takes a request through a service, to its end.
struct Case {
    name: &'static str,
    call: Box<dyn FnMut(Req) + Send>,
    /// Allocations per call on top of the bare service's, where they are ours to answer for.
    allocations: Option<u64>,
}

fn case<S>(name: &'static str, allocations: Option<u64>, mut service: S) -> Case
where
    S: Service<Req, Response = Response<()>> + Send + 'static,
{
    let call = Box::new(move |request| {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = black_box(service.poll_ready(&mut cx));
        let answer = service.call(request).now_or_never();
        assert!(answer.is_some_and(|answer| answer.is_ok()));
    });
    Case {
        name,
        call,
        allocations,
    }
}

/// Takes the request, drops it, answers.
#[derive(Clone)]
struct Bare;

impl Service<Req> for Bare {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        drop(black_box(request));
        ready(Ok(Response::new(())))
    }
}

#[derive(Clone)]
struct Once;

impl<E> tower::retry::Policy<Req, Response<()>, E> for Once {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Req, answer: &mut Result<Response<()>, E>) -> Option<Ready<()>> {
        answer
            .as_ref()
            .is_ok_and(|response| response.status() == 401)
            .then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }
}

fn cases(shared: &Shared) -> Vec<Case> {
    let bearer = format!("Bearer {KEY}");
    let fixed = HeaderValue::from_str(&bearer).unwrap();
    let locked = Arc::clone(&shared.locked);
    let inject = shared.inject.clone();
    vec![
        case("nothing", None, Bare),
        case(
            "a static value",
            None,
            ServiceBuilder::new()
                .map_request(|mut request: Req| {
                    let value = HeaderValue::from_static("Bearer 0123456789abcdef");
                    request.headers_mut().insert(AUTHORIZATION, value);
                    request
                })
                .service(Bare),
        ),
        case(
            "tower-http AddAuthorization (fixed key)",
            None,
            shared.add_authorization.layer(Bare),
        ),
        case(
            "tower-http SetRequestHeader (RwLock)",
            None,
            SetRequestHeaderLayer::overriding(AUTHORIZATION, move |_: &Req| {
                Some(locked.read().unwrap().clone())
            })
            .layer(Bare),
        ),
        case(
            "InjectKey, without replay",
            Some(0),
            inject.clone().without_replay().layer(Bare),
        ),
        case("InjectKey, CloneBody", None, inject.clone().layer(Bare)),
        case(
            "tower Retry (cloned request) + fixed key",
            None,
            ServiceBuilder::new()
                .retry(Once)
                .map_request(move |mut request: Req| {
                    request.headers_mut().insert(AUTHORIZATION, fixed.clone());
                    request
                })
                .service(Bare),
        ),
        case(
            "tower Retry (cloned request) + InjectKey, without replay",
            None,
            ServiceBuilder::new()
                .retry(Once)
                .service(inject.without_replay().layer(Bare)),
        ),
    ]
}

/// What the threads of one run have in common, as the clones of one layer's service have.
struct Shared {
    inject: InjectKey,
    add_authorization: AddAuthorizationLayer,
    locked: Arc<RwLock<HeaderValue>>,
}

impl Shared {
    fn new() -> Self {
        let credential = Credential::bearer(&Secret::from(KEY)).unwrap();
        let (key, _publisher) = Rotating::by_hand(credential);
        let bearer = format!("Bearer {KEY}");
        Self {
            inject: InjectKey::new("https://api.example.com", key).unwrap(),
            add_authorization: AddAuthorizationLayer::bearer(KEY),
            locked: Arc::new(RwLock::new(HeaderValue::from_str(&bearer).unwrap())),
        }
    }
}

/// Five headers that were read off a wire, so that each value is counted on its own.
fn request() -> Req {
    let wire = |text: &str| HeaderValue::from_maybe_shared(Bytes::from(text.to_owned())).unwrap();
    Request::post("https://api.example.com/v1/chat/completions")
        .header("host", wire("api.example.com"))
        .header("accept", wire("text/event-stream"))
        .header("content-type", wire("application/json"))
        .header("user-agent", wire("bench"))
        .header("x-request-id", wire("0123456789"))
        .body(Full::new(Bytes::from_static(b"{\"stream\":true}")))
        .unwrap()
}

/// Nanoseconds per call: the median over the rounds, case by case.
fn time(cases: &mut [Case], rounds: usize, together: &Barrier) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(rounds); cases.len()];
    for round in 0..=rounds {
        for (case, times) in cases.iter_mut().zip(&mut times) {
            let batch: Vec<_> = (0..BATCH).map(|_| request()).collect();
            together.wait();
            let start = std::time::SystemTime::now();
            for request in batch {
                (case.call)(request);
            }
            let taken = start.elapsed().unwrap_or_default();
            if round > 0 {
                times.push(taken.as_secs_f64() * 1e9 / f64::from(u8::try_from(BATCH).unwrap()));
            }
        }
    }
    times.into_iter().map(median).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn allocations(case: &mut Case) -> u64 {
    (case.call)(request());
    let request = request();
    allocation_counter::measure(|| (case.call)(request)).count_total
}

fn main() {
    let rounds = if std::env::args().any(|arg| arg == "--quick") {
        20
    } else {
        2000
    };
    let shared = Shared::new();
    let mut alone = cases(&shared);
    let single = time(&mut alone, rounds, &Barrier::new(1));

    let together = Barrier::new(2);
    let run = || time(&mut cases(&shared), rounds, &together);
    let double = thread::scope(|scope| {
        let other = scope.spawn(run);
        let ours = run();
        let theirs = other.join().unwrap();
        ours.iter()
            .zip(theirs)
            .map(|(a, b)| f64::midpoint(*a, b))
            .collect::<Vec<_>>()
    });

    let fixed = single[2] - single[0];
    println!(
        "{:58} {:>9} {:>8} {:>11} {:>7}",
        "added to a service that does nothing", "1 thread", "× fixed", "2 threads", "allocs"
    );
    let bare = allocations(&mut alone[0]);
    for (n, case) in alone.iter_mut().enumerate() {
        let added = allocations(case) - bare;
        println!(
            "{:58} {:>6.0} ns {:>8.2} {:>8.0} ns {:>7}",
            case.name,
            single[n] - single[0],
            (single[n] - single[0]) / fixed,
            double[n] - double[0],
            added,
        );
        if let Some(expected) = case.allocations {
            assert_eq!(added, expected, "{}: allocations", case.name);
        }
    }
}
