//! What a body that streams pays for being recorded, up to a limit, as it is sent.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::FutureExt;
use http::Request;
use http_body::{Body, Frame};
use tower::{Layer, Service};
use tower_rotating_auth::{outbound::InjectKeyLayer, outbound::replay::BufferBody};

use crate::harness::{Bare, median};

const CHUNK: usize = 64 * 1024;

/// So many chunks, each as it is read from somewhere, of a length that nobody knows.
struct Chunks(usize);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let left = self.0.checked_sub(1);
        Poll::Ready(left.map(|left| {
            self.0 = left;
            Ok(Frame::data(Bytes::from(vec![1; CHUNK])))
        }))
    }
}

/// Sends by looking at one byte in 64.
#[derive(Clone)]
struct Sender;

impl<B: Body<Data = Bytes> + Unpin> Service<Request<B>> for Sender {
    type Response = <Bare as Service<Request<B>>>::Response;
    type Error = Infallible;
    type Future = <Bare as Service<Request<B>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(request.body_mut()).poll_frame(&mut cx) {
            black_box(frame.data_ref().map(|data| look_at(data)));
        }
        Bare.call(request)
    }
}

/// Not compiled once for each case, and each time differently.
#[inline(never)]
fn look_at(data: &[u8]) -> u8 {
    let seen = data.iter().step_by(64);
    seen.fold(0, |sum, byte| sum.wrapping_add(*byte))
}

struct Case {
    name: &'static str,
    send: Box<dyn FnMut(Request<Chunks>)>,
    /// Bytes that are held at once.
    most: usize,
}

fn case<S>(name: &'static str, most: usize, mut service: S) -> Case
where
    S: Service<Request<Chunks>, Error: std::fmt::Debug> + 'static,
{
    let send = move |request| {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(service.poll_ready(&mut cx).is_ready());
        let answer = service.call(request).now_or_never();
        assert!(black_box(answer).is_some_and(|answer| answer.is_ok()));
    };
    Case {
        name,
        send: Box::new(send),
        most,
    }
}

/// Prints what each takes; the median over the rounds, in which they take turns.
pub(crate) fn run(inject: &InjectKeyLayer, chunks: usize, rounds: usize) {
    let recorded = |max_bytes| inject.clone().replay(BufferBody::new(max_bytes));
    let plain = inject.clone().without_replay();
    let all = chunks * CHUNK;
    // Beside the one that is on its way, and what else there is.
    let with = |recorded| recorded + CHUNK + CHUNK;
    let mut cases = [
        case("sent as it comes", with(0), plain.layer(Sender)),
        case(
            "recorded, up to one chunk",
            with(CHUNK),
            recorded(CHUNK).layer(Sender),
        ),
        case(
            "recorded, all of it",
            with(all),
            recorded(all).layer(Sender),
        ),
    ];
    let request = || {
        let request = Request::post("https://api.example.com/v1/files");
        request.body(Chunks(chunks)).unwrap()
    };
    let mut times = [(); 3].map(|()| Vec::with_capacity(rounds));
    for _ in 0..rounds {
        for (case, times) in cases.iter_mut().zip(&mut times) {
            let request = request();
            let start = SystemTime::now();
            (case.send)(request);
            times.push(start.elapsed().unwrap_or_default().as_secs_f64() * 1e6);
        }
    }
    let [unit, ..] = times.each_ref().map(|times| median(times.clone()));
    let title = format!("outbound, a stream of {} KiB", all / 1024);
    println!(
        "\n{title:62} {:>12} {:>8} {:>15}",
        "in all", "×", "memory at most"
    );
    for (case, times) in cases.iter_mut().zip(times) {
        let (name, time) = (case.name, median(times));
        let request = request();
        let peak = allocation_counter::measure(|| (case.send)(request)).bytes_max;
        let kib = peak / 1024;
        println!(
            "{name:62} {time:>9.0} µs {:>8.2} {kib:>11} KiB",
            time / unit
        );
        assert!(usize::try_from(peak).unwrap() < case.most, "{name}: memory");
    }
}
