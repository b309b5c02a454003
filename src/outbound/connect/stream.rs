//! A stream that holds a write error back while a response may still be read.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use hyper_util::client::legacy::connect::{Connected, Connection};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::input::Input;
use super::write_state::WriteState;

pin_project! {
    /// A stream whose failed writes stay pending until the input ends.
    ///
    /// If the peer has closed the connection, a write fails with
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe),
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset) or
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted). What the peer sent before that can
    /// still be read. The first write or flush that fails this way stays pending. It returns its
    /// error once a read has returned the end of the input or an error, or once the timeout has
    /// elapsed. Nothing more is written meanwhile.
    ///
    /// As long as nothing has arrived, the pending write looks for the end itself, so that a client
    /// need not read. It may read one byte ahead, which the next read returns first.
    ///
    /// - Everything else passes through: reads, other errors, later errors, and shutdown.
    /// - A write that failed never counts as written, and nothing is written twice.
    /// - If the input ended before the write failed, the error is returned at once.
    ///
    /// The inner stream implements tokio's traits, as [`TcpStream`](tokio::net::TcpStream) does.
    /// Wrap one that implements hyper's traits in [`TokioIo`](hyper_util::rt::TokioIo), and wrap
    /// this one for hyper.
    ///
    /// # Panics
    ///
    /// Panics if a write fails outside a tokio runtime with a timer.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// use tokio::net::{TcpListener, TcpStream};
    /// use tower_rotating_auth::outbound::connect::EarlyResponseStream;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let client = TcpStream::connect(listener.local_addr()?).await?;
    /// let (mut server, _) = listener.accept().await?;
    ///
    /// // The server responds early, and closes the connection without reading the upload.
    /// let (mut input, mut output) = tokio::io::split(EarlyResponseStream::new(client));
    /// output.write_all(b"an upload").await?;
    /// server.write_all(b"401").await?;
    /// server.set_zero_linger()?;
    /// drop(server);
    ///
    /// let upload = tokio::spawn(async move { while output.write_all(b"more").await.is_ok() {} });
    /// let mut response = Vec::new();
    /// while input.read_buf(&mut response).await.is_ok_and(|length| length > 0) {}
    /// assert_eq!(response, b"401");
    /// upload.await?; // fails once all input was read
    /// # Ok(())
    /// # }
    /// ```
    #[derive(Debug)]
    pub struct EarlyResponseStream<S> {
        #[pin]
        inner: S,
        state: WriteState,
        timeout: Duration,
        timer: Option<Pin<Box<Sleep>>>,
        // Woken once the error is due. The timer wakes it by itself.
        writer: Option<Waker>,
        input: Input,
    }
}

/// How long an error is held by default. Where the peer has closed the connection, its response has
/// arrived already: this only limits how long a client may take to read it.
pub(super) const TIMEOUT: Duration = Duration::from_millis(500);

impl<S> EarlyResponseStream<S> {
    /// Wraps a stream. The timeout is 500 ms.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            state: WriteState::default(),
            timeout: TIMEOUT,
            timer: None,
            writer: None,
            input: Input::NEW,
        }
    }

    /// Sets how long to hold the error of a write. Defaults to 500 ms.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Returns the inner stream.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }
}

impl<S: AsyncRead + AsyncWrite> EarlyResponseStream<S> {
    /// Writes or flushes, unless an error is held.
    fn poll_output<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        output: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut this = self.project();
        if this.state.is_writable() {
            match output(this.inner.as_mut(), cx) {
                Poll::Ready(Err(error)) => match this.state.write_failed(error) {
                    Some(error) => return Poll::Ready(Err(error)),
                    None => *this.timer = Some(Box::pin(sleep(*this.timeout))),
                },
                done => return done,
            }
        }
        if let Some(timer) = this.timer {
            if timer.as_mut().poll(cx).is_ready() {
                this.state.timed_out();
            }
        }
        if this.state.is_held() && this.input.poll_end(this.inner, cx).is_ready() {
            this.state.input_ended();
        }
        let Some(error) = this.state.take_due() else {
            *this.writer = Some(cx.waker().clone());
            return Poll::Pending;
        };
        *this.timer = None;
        *this.writer = None;
        Poll::Ready(Err(error))
    }
}

impl<S: AsyncRead> AsyncRead for EarlyResponseStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let room = buf.remaining();
        let read = ready!(this.input.poll_read(this.inner, cx, buf));
        // A read into an empty buffer says nothing about the input.
        if read.is_err() || (room > 0 && buf.remaining() == room) {
            this.state.input_ended();
            if let Some(writer) = this.writer.take() {
                writer.wake();
            }
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncWrite for EarlyResponseStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_output(cx, |inner, cx| inner.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_output(cx, |inner, cx| inner.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_output(cx, S::poll_flush)
    }

    // Whoever shuts down writes no more, so there is no error to hold.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_shutdown(cx)
    }
}

impl<S: Connection> Connection for EarlyResponseStream<S> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}
