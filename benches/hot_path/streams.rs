//! What it costs to record a body that streams, in time and memory.

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
use crate::outbound::inject;

const CHUNK: usize = 64 * 1024;

/// A body of so many chunks, each allocated when it is polled, of unknown length.
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

/// A client that looks at one byte in 64.
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

// Not inlined, so that each case runs the same machine code.
#[inline(never)]
fn look_at(data: &[u8]) -> u8 {
    let seen = data.iter().step_by(64);
    seen.fold(0, |sum, byte| sum.wrapping_add(*byte))
}

struct Case {
    name: &'static str,
    send: Box<dyn FnMut(Request<Chunks>)>,
    /// The promised limit of memory, in bytes.
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

pub(crate) fn run(rounds: usize) {
    let inject = inject();
    for chunks in [16, 1024] {
        table(&inject, chunks, rounds);
    }
    short_pieces(&inject);
}

/// The length of a short piece, and of the buffer that each was read into.
const PIECE: usize = 512;
const BUFFER: usize = 8 * 1024;

/// 64 KiB in short pieces, each a part of a buffer of its own.
struct Pieces(usize);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let left = self.0.checked_sub(1);
        Poll::Ready(left.map(|left| {
            self.0 = left;
            Ok(Frame::data(Bytes::from(vec![1; BUFFER]).slice(..PIECE)))
        }))
    }
}

/// Prints the memory that it takes to keep short pieces, as they are and as they are recorded.
fn short_pieces(inject: &InjectKeyLayer) {
    let most = |run: &mut dyn FnMut()| allocation_counter::measure(run).bytes_max / 1024;
    let as_they_are = most(&mut || {
        let mut body = Pieces(CHUNK / PIECE);
        let mut cx = Context::from_waker(Waker::noop());
        let mut kept = Vec::new();
        while let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut cx) {
            kept.push(frame);
        }
        drop(black_box(kept));
    });
    let mut service = inject.clone().replay(BufferBody::new(CHUNK)).layer(Sender);
    let request = Request::post("https://api.example.com/v1/files");
    let mut request = Some(request.body(Pieces(CHUNK / PIECE)).unwrap());
    let recorded = most(&mut || {
        let answer = request
            .take()
            .map(|request| service.call(request).now_or_never());
        drop(black_box(answer));
    });
    let title = "outbound, 64 KiB in short pieces of 512 bytes";
    println!("\n{title:84} {:>15}", "memory at most");
    println!("{:84} {as_they_are:>11} KiB", "each piece kept as it is");
    println!("{:84} {recorded:>11} KiB", "recorded");
    assert!(
        recorded < as_they_are / 4,
        "short pieces are copied together"
    );
}

/// Prints the median time over the rounds, and the memory at most.
fn table(inject: &InjectKeyLayer, chunks: usize, rounds: usize) {
    let recorded = |max_bytes| inject.clone().replay(BufferBody::new(max_bytes));
    let plain = inject.clone().without_replay();
    let all = chunks * CHUNK;
    // Besides the chunk that is being sent, and everything else.
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
