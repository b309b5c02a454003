//! The stream over scripted inner ones, in virtual time.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, advance, timeout};
use tokio_test::{assert_pending, assert_ready, task};

use super::stream::{EarlyResponseStream, TIMEOUT};

const CLOSED: [io::ErrorKind; 3] = [
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
];

/// A connection whose peer the test plays.
#[derive(Clone, Default)]
struct Peer(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    input: VecDeque<Input>,
    reader: Option<Waker>,
    /// The error of each write from now on.
    broken: Option<io::ErrorKind>,
    /// How much is accepted before each write fails with `broken`.
    room: usize,
    written: Vec<u8>,
    /// How often the stream was written to, flushed or shut down.
    calls: usize,
}

#[derive(Clone, Debug)]
enum Input {
    Bytes(Vec<u8>),
    End,
    Fails(io::ErrorKind),
}

impl Peer {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    fn stream(&self) -> EarlyResponseStream<Self> {
        EarlyResponseStream::new(self.clone())
    }

    /// A stream on which something has arrived, so that only the reader sees the end.
    async fn touched_stream(&self) -> EarlyResponseStream<Self> {
        let mut stream = self.stream();
        self.sends(Input::Bytes(b"earlier".to_vec()));
        assert_eq!(read(&mut stream).await.unwrap(), b"earlier");
        stream
    }

    fn sends(&self, input: Input) {
        self.with(|state| {
            state.input.push_back(input);
            if let Some(reader) = state.reader.take() {
                reader.wake();
            }
        });
    }

    fn breaks(&self, kind: io::ErrorKind) {
        self.with(|state| state.broken = Some(kind));
    }

    fn calls(&self) -> usize {
        self.with(|state| state.calls)
    }
}

impl State {
    fn write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.calls += 1;
        let given: usize = pieces.iter().map(|piece| piece.len()).sum();
        let taken = match self.broken {
            Some(kind) if self.room == 0 => return Err(kind.into()),
            Some(_) => given.min(self.room),
            None => given,
        };
        self.room = self.room.saturating_sub(taken);
        let bytes = pieces.iter().flat_map(|piece| piece.iter()).take(taken);
        self.written.extend(bytes);
        Ok(taken)
    }

    fn end(&mut self) -> io::Result<()> {
        self.calls += 1;
        self.broken.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl AsyncRead for Peer {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|state| {
            match state.input.front_mut() {
                None => {
                    state.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Some(Input::End) => {}
                Some(Input::Fails(kind)) => return Poll::Ready(Err((*kind).into())),
                Some(Input::Bytes(bytes)) => {
                    let some = bytes.len().min(buf.remaining());
                    buf.put_slice(&bytes[..some]);
                    bytes.drain(..some);
                    if bytes.is_empty() {
                        state.input.pop_front();
                    }
                }
            }
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncWrite for Peer {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.with(|state| state.write(&[IoSlice::new(buf)])))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.with(|state| state.write(bufs)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.with(State::end))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.with(State::end))
    }
}

/// The ways to write.
#[derive(Clone, Copy, Debug)]
enum Output {
    Write,
    Vectored,
    Flush,
}

const OUTPUTS: [Output; 3] = [Output::Write, Output::Vectored, Output::Flush];

impl Output {
    fn poll(
        self,
        stream: &mut EarlyResponseStream<Peer>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = Pin::new(stream);
        match self {
            Self::Write => stream.poll_write(cx, b"more").map_ok(drop),
            Self::Vectored => {
                let pieces = [IoSlice::new(b"mo"), IoSlice::new(b"re")];
                stream.poll_write_vectored(cx, &pieces).map_ok(drop)
            }
            Self::Flush => stream.poll_flush(cx),
        }
    }

    async fn run(self, stream: &mut EarlyResponseStream<Peer>) -> io::Result<()> {
        poll_fn(|cx| self.poll(stream, cx)).await
    }
}

fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
    result.map(drop).unwrap_err().kind()
}

async fn read(stream: &mut EarlyResponseStream<Peer>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_buf(&mut bytes).await.map(|_| bytes)
}

#[tokio::test(start_paused = true)]
async fn open_stream_passes_everything_through() {
    let peer = Peer::default();
    let mut stream = peer.stream();
    assert!(stream.is_write_vectored());
    stream.write_all(b"one ").await.unwrap();
    let pieces = [IoSlice::new(b"tw"), IoSlice::new(b"o")];
    assert_eq!(stream.write_vectored(&pieces).await.unwrap(), 3);
    stream.flush().await.unwrap();
    peer.sends(Input::Bytes(b"response".to_vec()));
    assert_eq!(read(&mut stream).await.unwrap(), b"response");
    stream.shutdown().await.unwrap();
    assert_eq!(peer.with(|state| state.written.clone()), b"one two");
    assert_eq!(peer.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn response_is_read_before_the_write_fails() {
    for broken in CLOSED {
        for output in OUTPUTS {
            let peer = Peer::default();
            let mut stream = peer.touched_stream().await;
            peer.breaks(broken);
            let mut writer = task::spawn(());
            assert_pending!(writer.enter(|cx, _| output.poll(&mut stream, cx)));

            peer.sends(Input::Bytes(b"401".to_vec()));
            assert_eq!(read(&mut stream).await.unwrap(), b"401");
            assert!(!writer.is_woken());
            assert_pending!(writer.enter(|cx, _| output.poll(&mut stream, cx)));

            peer.sends(Input::End);
            assert_eq!(read(&mut stream).await.unwrap(), b"");
            assert!(writer.is_woken());
            let error = assert_ready!(writer.enter(|cx, _| output.poll(&mut stream, cx)));
            assert_eq!(kind(error), broken);
            assert_eq!(peer.calls(), 1, "nothing is written twice");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn read_error_ends_the_hold() {
    let peer = Peer::default();
    let mut stream = peer.touched_stream().await;
    peer.breaks(io::ErrorKind::BrokenPipe);
    let mut writer = task::spawn(());
    assert_pending!(writer.enter(|cx, _| Output::Write.poll(&mut stream, cx)));

    peer.sends(Input::Fails(io::ErrorKind::ConnectionReset));
    let without_room = stream.read(&mut []).await;
    assert_eq!(kind(without_room), io::ErrorKind::ConnectionReset);
    assert!(writer.is_woken());
    let error = assert_ready!(writer.enter(|cx, _| Output::Write.poll(&mut stream, cx)));
    assert_eq!(kind(error), io::ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn timeout_ends_the_hold() {
    for (limit, custom) in [(TIMEOUT, None), (Duration::from_secs(7), Some(7))] {
        for output in OUTPUTS {
            let peer = Peer::default();
            let mut stream = peer.stream();
            if let Some(seconds) = custom {
                stream = stream.timeout(Duration::from_secs(seconds));
            }
            peer.breaks(io::ErrorKind::BrokenPipe);
            let failed = Instant::now();
            assert_eq!(
                kind(output.run(&mut stream).await),
                io::ErrorKind::BrokenPipe
            );
            assert_eq!(failed.elapsed(), limit);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hold_starts_once() {
    let peer = Peer::default();
    let mut stream = peer.stream();
    peer.breaks(io::ErrorKind::BrokenPipe);
    let failed = Instant::now();
    for output in OUTPUTS {
        let early = timeout(TIMEOUT / 4, output.run(&mut stream));
        assert!(early.await.is_err(), "still held");
    }
    assert_eq!(
        kind(Output::Write.run(&mut stream).await),
        io::ErrorKind::BrokenPipe
    );
    assert_eq!(failed.elapsed(), TIMEOUT);
}

/// The task that polls last is the one to wake.
#[tokio::test(start_paused = true)]
async fn last_writer_is_woken() {
    for ending in ["input", "timeout"] {
        let peer = Peer::default();
        let mut stream = peer.stream();
        peer.breaks(io::ErrorKind::BrokenPipe);
        let [mut first, mut last] = [(), ()].map(task::spawn);
        assert_pending!(first.enter(|cx, _| Output::Write.poll(&mut stream, cx)));
        assert_pending!(last.enter(|cx, _| Output::Write.poll(&mut stream, cx)));
        if ending == "input" {
            peer.sends(Input::End);
            read(&mut stream).await.unwrap();
        } else {
            advance(TIMEOUT).await;
        }
        assert!(!first.is_woken(), "{ending}");
        assert!(last.is_woken(), "{ending}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_after_the_first_are_returned_at_once() {
    let peer = Peer::default();
    let mut stream = peer.stream();
    peer.breaks(io::ErrorKind::ConnectionReset);
    Output::Write.run(&mut stream).await.unwrap_err();
    let failed = Instant::now();
    for broken in CLOSED {
        for output in OUTPUTS {
            peer.breaks(broken);
            assert_eq!(kind(output.run(&mut stream).await), broken);
        }
    }
    assert_eq!(failed.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn errors_after_the_end_of_input_are_returned_at_once() {
    for end in [Input::End, Input::Fails(io::ErrorKind::ConnectionReset)] {
        let peer = Peer::default();
        let mut stream = peer.stream();
        peer.sends(end);
        let _ = read(&mut stream).await;
        stream.write_all(b"still open").await.unwrap();
        peer.breaks(io::ErrorKind::BrokenPipe);
        let failed = Instant::now();
        for output in OUTPUTS {
            assert_eq!(
                kind(output.run(&mut stream).await),
                io::ErrorKind::BrokenPipe
            );
        }
        assert_eq!(failed.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn other_errors_are_returned_at_once() {
    let others = [
        io::ErrorKind::TimedOut,
        io::ErrorKind::WriteZero,
        io::ErrorKind::NotConnected,
        io::ErrorKind::Other,
    ];
    for other in others {
        for output in OUTPUTS {
            let peer = Peer::default();
            let mut stream = peer.stream();
            peer.breaks(other);
            let failed = Instant::now();
            assert_eq!(kind(output.run(&mut stream).await), other);
            assert_eq!(failed.elapsed(), Duration::ZERO);

            // A later one is held as if there had been none.
            peer.breaks(io::ErrorKind::BrokenPipe);
            assert_eq!(
                kind(output.run(&mut stream).await),
                io::ErrorKind::BrokenPipe
            );
            assert_eq!(failed.elapsed(), TIMEOUT);
        }
    }
}

/// A client that does not read before it has written, such as TLS in its handshake.
#[tokio::test(start_paused = true)]
async fn untouched_input_ends_the_hold_without_a_reader() {
    for end in [Input::End, Input::Fails(io::ErrorKind::ConnectionReset)] {
        for output in OUTPUTS {
            // The input has ended already, or ends later.
            let peer = Peer::default();
            let mut stream = peer.stream();
            peer.sends(end.clone());
            peer.breaks(io::ErrorKind::BrokenPipe);
            let mut writer = task::spawn(());
            let error = assert_ready!(writer.enter(|cx, _| output.poll(&mut stream, cx)));
            assert_eq!(kind(error), io::ErrorKind::BrokenPipe);
            assert_ends(&mut stream, &end).await;

            let peer = Peer::default();
            let mut stream = peer.stream();
            peer.breaks(io::ErrorKind::BrokenPipe);
            assert_pending!(writer.enter(|cx, _| output.poll(&mut stream, cx)));
            peer.sends(end.clone());
            assert!(writer.is_woken());
            let error = assert_ready!(writer.enter(|cx, _| output.poll(&mut stream, cx)));
            assert_eq!(kind(error), io::ErrorKind::BrokenPipe);
            assert_ends(&mut stream, &end).await;
        }
    }
}

async fn assert_ends(stream: &mut EarlyResponseStream<Peer>, end: &Input) {
    match (end, read(stream).await) {
        (Input::Fails(expected), Err(error)) => assert_eq!(error.kind(), *expected),
        (Input::End, Ok(bytes)) => assert_eq!(bytes, b""),
        (end, read) => panic!("{end:?}, but {read:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn byte_read_ahead_comes_first() {
    let peer = Peer::default();
    let mut stream = peer.stream();
    peer.breaks(io::ErrorKind::BrokenPipe);
    peer.sends(Input::Bytes(b"401".to_vec()));
    peer.sends(Input::End);
    let mut writer = task::spawn(());
    for _ in 0..3 {
        assert_pending!(writer.enter(|cx, _| Output::Write.poll(&mut stream, cx)));
    }
    assert_eq!(stream.read(&mut []).await.unwrap(), 0);
    assert_eq!(read(&mut stream).await.unwrap(), b"4");
    assert_pending!(writer.enter(|cx, _| Output::Write.poll(&mut stream, cx)));
    assert_eq!(read(&mut stream).await.unwrap(), b"01");
    assert!(!writer.is_woken());
    assert_eq!(read(&mut stream).await.unwrap(), b"");
    assert!(writer.is_woken());
}

/// The inner stream wakes only who read last. Both halves must see what arrives.
#[tokio::test(start_paused = true)]
async fn reader_is_woken_although_the_writer_reads_ahead() {
    for input in [Input::Bytes(b"4".to_vec()), Input::End] {
        for ready in ["before", "after"] {
            let peer = Peer::default();
            let mut stream = peer.stream();
            let [mut reader, mut writer] = [(), ()].map(task::spawn);
            let mut buffer = [0; 8];
            let mut buffer = ReadBuf::new(&mut buffer);
            let mut read = |reader: &mut task::Spawn<()>,
                            stream: &mut EarlyResponseStream<Peer>| {
                reader.enter(|cx, _| Pin::new(stream).poll_read(cx, &mut buffer))
            };
            assert_pending!(read(&mut reader, &mut stream));
            peer.breaks(io::ErrorKind::BrokenPipe);
            if ready == "before" {
                peer.with(|state| state.input.push_back(input.clone())); // wakes nobody yet
                let _ = writer.enter(|cx, _| Output::Write.poll(&mut stream, cx));
            } else {
                assert_pending!(writer.enter(|cx, _| Output::Write.poll(&mut stream, cx)));
                assert!(reader.is_woken(), "to register again");
                assert_pending!(read(&mut reader, &mut stream));
                peer.sends(input.clone());
            }
            assert!(reader.is_woken(), "{input:?} {ready}");
            assert_ready!(read(&mut reader, &mut stream)).unwrap();
        }
    }
}

/// One task that reads and writes must not wake itself for ever.
#[tokio::test(start_paused = true)]
async fn reading_ahead_is_no_busy_loop() {
    let peer = Peer::default();
    let mut stream = peer.stream();
    peer.breaks(io::ErrorKind::BrokenPipe);
    let mut task = task::spawn(());
    for _ in 0..3 {
        let mut buffer = [0; 8];
        let mut buffer = ReadBuf::new(&mut buffer);
        assert_pending!(task.enter(|cx, _| Pin::new(&mut stream).poll_read(cx, &mut buffer)));
        assert_pending!(task.enter(|cx, _| Output::Write.poll(&mut stream, cx)));
        assert!(!task.is_woken());
    }
}

/// A reader that has input may hold a response that it has not looked at.
#[tokio::test(start_paused = true)]
async fn touched_input_is_left_to_the_reader() {
    let peer = Peer::default();
    let mut stream = peer.touched_stream().await;
    peer.sends(Input::End);
    peer.breaks(io::ErrorKind::BrokenPipe);
    let failed = Instant::now();
    assert_eq!(
        kind(Output::Write.run(&mut stream).await),
        io::ErrorKind::BrokenPipe
    );
    assert_eq!(failed.elapsed(), TIMEOUT);
}

/// A read without room returns no bytes, and says nothing about the input.
#[tokio::test(start_paused = true)]
async fn read_into_an_empty_buffer_is_not_the_end() {
    let peer = Peer::default();
    let mut stream = peer.touched_stream().await;
    peer.sends(Input::Bytes(b"401".to_vec()));
    peer.breaks(io::ErrorKind::BrokenPipe);
    let mut writer = task::spawn(());
    assert_pending!(writer.enter(|cx, _| Output::Write.poll(&mut stream, cx)));
    assert_eq!(stream.read(&mut []).await.unwrap(), 0);
    assert!(!writer.is_woken());
    assert_eq!(read(&mut stream).await.unwrap(), b"401");
}

#[tokio::test(start_paused = true)]
async fn shutdown_passes_through_while_an_error_is_held() {
    let peer = Peer::default();
    let mut stream = peer.stream();
    peer.breaks(io::ErrorKind::BrokenPipe);
    let mut writer = task::spawn(());
    assert_pending!(writer.enter(|cx, _| Output::Write.poll(&mut stream, cx)));
    let start = Instant::now();
    assert_eq!(kind(stream.shutdown().await), io::ErrorKind::BrokenPipe);
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_pending!(writer.enter(|cx, _| Output::Write.poll(&mut stream, cx)));
}

#[derive(Clone, Debug)]
enum Step {
    Read(usize),
    Write(usize),
    Flush,
    Shutdown,
    Waits(u64),
    Sends(Vec<u8>),
    Breaks(usize),
    Ends(Option<io::ErrorKind>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..9_usize).prop_map(Step::Read),
        6 => (0..9_usize).prop_map(Step::Write),
        2 => Just(Step::Flush),
        1 => Just(Step::Shutdown),
        2 => (1..400_u64).prop_map(Step::Waits),
        4 => prop::collection::vec(any::<u8>(), 1..20).prop_map(Step::Sends),
        1 => (0..9_usize).prop_map(Step::Breaks),
        1 => prop::option::of(Just(io::ErrorKind::ConnectionReset)).prop_map(Step::Ends),
    ]
}

proptest! {
    /// Whatever fails when: reads return the peer's bytes in order, and what the peer gets is what
    /// was accepted, in order and once.
    #[test]
    fn bytes_are_neither_lost_nor_moved(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps));
    }
}

async fn run(steps: Vec<Step>) {
    let peer = Peer::default();
    let mut stream = peer.stream();
    let mut task = task::spawn(());
    let (mut sent, mut came, mut ended) = (Vec::new(), Vec::new(), false);
    let (mut given, mut accepted) = ((0..=u8::MAX).cycle(), Vec::new());
    let mut failed = None;
    for step in steps {
        match step {
            Step::Read(room) => {
                let mut buffer = vec![0; room];
                let mut buffer = ReadBuf::new(&mut buffer);
                let read = task.enter(|cx, _| Pin::new(&mut stream).poll_read(cx, &mut buffer));
                came.extend_from_slice(buffer.filled());
                if let Poll::Ready(Err(error)) = read {
                    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
                    assert_eq!(came, sent);
                }
            }
            Step::Write(length) => {
                let bytes: Vec<u8> = given.by_ref().take(length).collect();
                let write = task.enter(|cx, _| Pin::new(&mut stream).poll_write(cx, &bytes));
                match write {
                    Poll::Ready(Ok(taken)) => accepted.extend_from_slice(&bytes[..taken]),
                    Poll::Ready(Err(error)) => {
                        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
                    }
                    Poll::Pending => {
                        let since = *failed.get_or_insert_with(Instant::now);
                        assert!(since.elapsed() < TIMEOUT);
                    }
                }
            }
            Step::Flush => drop(task.enter(|cx, _| Pin::new(&mut stream).poll_flush(cx))),
            Step::Shutdown => drop(task.enter(|cx, _| Pin::new(&mut stream).poll_shutdown(cx))),
            Step::Waits(millis) => advance(Duration::from_millis(millis)).await,
            Step::Sends(bytes) if !ended => {
                sent.extend_from_slice(&bytes);
                peer.sends(Input::Bytes(bytes));
            }
            Step::Breaks(room) => {
                peer.with(|state| state.room = room);
                peer.breaks(io::ErrorKind::BrokenPipe);
            }
            Step::Ends(kind) if !ended => {
                ended = true;
                peer.sends(kind.map_or(Input::End, Input::Fails));
            }
            Step::Sends(_) | Step::Ends(_) => {}
        }
        assert!(sent.starts_with(&came));
        assert_eq!(peer.with(|state| state.written.clone()), accepted);
    }
    while came.len() < sent.len() {
        let some = read(&mut stream).await.unwrap();
        came.extend(some);
    }
    assert_eq!(came, sent);
}
