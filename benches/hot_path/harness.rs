//! A harness that measures cases side by side, in rounds in which they take turns.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tower::Service;

pub(crate) type Req = Request<Full<Bytes>>;

const BATCH: u8 = 128;

/// A service to measure.
///
/// A clone of a case calls a clone of the service, so two threads contend for whatever the clones
/// share.
#[derive(Clone)]
pub(crate) struct Case {
    name: &'static str,
    call: Box<dyn Call>,
    /// The promised number of allocations per call, on top of the bare service's.
    allocations: Option<u64>,
}

trait Call: Send + Sync {
    fn call(&mut self, request: Req);
    fn clone_box(&self) -> Box<dyn Call>;
}

impl Clone for Box<dyn Call> {
    fn clone(&self) -> Self {
        (**self).clone_box()
    }
}

/// A service and the status that it must answer with.
#[derive(Clone)]
struct Answering<S> {
    service: S,
    status: StatusCode,
}

impl<S, B> Call for Answering<S>
where
    S: Service<Req, Response = Response<B>> + Clone + Send + Sync + 'static,
{
    fn call(&mut self, request: Req) {
        let mut cx = Context::from_waker(Waker::noop());
        let _ = black_box(self.service.poll_ready(&mut cx));
        let answer = self.service.call(request).now_or_never();
        let status = answer.and_then(|answer| answer.ok().map(|answer| answer.status()));
        assert_eq!(status, Some(self.status));
    }

    fn clone_box(&self) -> Box<dyn Call> {
        Box::new(self.clone())
    }
}

pub(crate) fn case<S, B>(name: &'static str, allocations: Option<u64>, service: S) -> Case
where
    S: Service<Req, Response = Response<B>> + Clone + Send + Sync + 'static,
{
    answered(StatusCode::OK, name, allocations, service)
}

/// Creates a case that is answered with another status than 200.
pub(crate) fn answered<S, B>(
    status: StatusCode,
    name: &'static str,
    allocations: Option<u64>,
    service: S,
) -> Case
where
    S: Service<Req, Response = Response<B>> + Clone + Send + Sync + 'static,
{
    let call = Box::new(Answering { service, status });
    Case {
        name,
        call,
        allocations,
    }
}

/// A service that drops the request and answers.
#[derive(Clone)]
pub(crate) struct Bare;

impl<B> Service<Request<B>> for Bare {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        drop(black_box(request));
        ready(Ok(Response::default()))
    }
}

/// A service that reads the request's body and answers.
#[derive(Clone)]
pub(crate) struct Reader;

impl<B: Body + Unpin> Service<Request<B>> for Reader {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(frame)) = Pin::new(request.body_mut()).poll_frame(&mut cx) {
            drop(black_box(frame));
        }
        Bare.call(request)
    }
}

/// Creates a header value with a count of its own, like one that was read from a connection.
pub(crate) fn wire(text: &str) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text.to_owned())).unwrap()
}

/// Creates a request with five headers.
pub(crate) fn request() -> Req {
    Request::post("https://api.example.com/v1/chat/completions")
        .header("host", wire("api.example.com"))
        .header("accept", wire("text/event-stream"))
        .header("content-type", wire("application/json"))
        .header("user-agent", wire("bench"))
        .header("x-request-id", wire("0123456789"))
        .body(Full::new(Bytes::from_static(b"{\"stream\":true}")))
        .unwrap()
}

/// Returns nanoseconds per call of one case, while another thread keeps calling `beside`.
pub(crate) fn time_beside(
    case: Case,
    request: &impl Fn() -> Req,
    beside: Option<(Case, &(dyn Fn() -> Req + Sync))>,
    rounds: usize,
) -> f64 {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        if let Some((mut noise, request)) = beside {
            let over = &over;
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    noise.call.call(request());
                }
            });
        }
        let median = time(&mut [case], request, rounds, &Barrier::new(1))[0];
        over.store(true, Ordering::Relaxed);
        median
    })
}

/// Returns nanoseconds per call of each case, the median over the rounds.
fn time(
    cases: &mut [Case],
    request: &impl Fn() -> Req,
    rounds: usize,
    together: &Barrier,
) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(rounds); cases.len()];
    for round in 0..=rounds {
        for (case, times) in cases.iter_mut().zip(&mut times) {
            let batch: Vec<_> = (0..BATCH).map(|_| request()).collect();
            together.wait();
            let start = SystemTime::now();
            for request in batch {
                case.call.call(request);
            }
            let taken = start.elapsed().unwrap_or_default();
            if round > 0 {
                times.push(taken.as_secs_f64() * 1e9 / f64::from(BATCH));
            }
        }
    }
    times.into_iter().map(median).collect()
}

pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn allocations(case: &mut Case, request: &impl Fn() -> Req) -> u64 {
    case.call.call(request());
    let request = request();
    allocation_counter::measure(|| case.call.call(request)).count_total
}

/// Prints a table of the cases. The first one is the bare service, and the column `×` compares the
/// others with the `yardstick`th.
pub(crate) fn table(
    title: &str,
    mut cases: Vec<Case>,
    request: impl Fn() -> Req + Sync,
    yardstick: usize,
    rounds: usize,
) {
    let single = time(&mut cases, &request, rounds, &Barrier::new(1));
    let together = Barrier::new(2);
    let run = |cases: &mut [Case]| time(cases, &request, rounds, &together);
    let mut clones = cases.clone();
    let double = thread::scope(|scope| {
        let other = scope.spawn(|| run(&mut clones));
        let ours = run(&mut cases);
        let theirs = other.join().unwrap();
        ours.iter()
            .zip(theirs)
            .map(|(a, b)| f64::midpoint(*a, b))
            .collect::<Vec<_>>()
    });

    let unit = single[yardstick] - single[0];
    println!(
        "\n{title:62} {:>9} {:>8} {:>11} {:>7}",
        "1 thread", "×", "2 threads", "allocs"
    );
    let bare = allocations(&mut cases[0], &request);
    for (n, case) in cases.iter_mut().enumerate().skip(1) {
        let added = allocations(case, &request) - bare;
        println!(
            "{:62} {:>6.0} ns {:>8.2} {:>8.0} ns {:>7}",
            case.name,
            single[n] - single[0],
            (single[n] - single[0]) / unit,
            double[n] - double[0],
            added,
        );
        if let Some(expected) = case.allocations {
            assert_eq!(added, expected, "{}: allocations", case.name);
        }
    }
}
