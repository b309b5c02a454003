//! The TCP stream of a client. It reports progress, and ends a connection without losing the last
//! answer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::activity::Activity;
use super::limits::Discard;

/// A client's TCP stream.
///
/// If the client is still sending when the connection ends, an immediate close would reset the
/// connection, and the client would lose the answer. So [`poll_shutdown`](AsyncWrite) ends the
/// writing side, and then reads and drops the rest within bounds (RFC 9112 §9.6).
#[derive(Debug)]
pub(super) struct ClientStream {
    tcp: TcpStream,
    activity: Arc<Activity>,
    discard: Discard,
    /// The deadline of reading on, once the writing side has ended.
    reading_on: Option<Pin<Box<Sleep>>>,
}

impl ClientStream {
    pub(super) fn new(tcp: TcpStream, activity: Arc<Activity>, discard: Discard) -> Self {
        Self {
            tcp,
            activity,
            discard,
            reading_on: None,
        }
    }

    /// Reads and drops input until its end, or until the bounds are reached.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut dropped = [0; 8 * 1024];
        loop {
            let mut into = ReadBuf::new(&mut dropped);
            let read = Pin::new(&mut self.tcp).poll_read(cx, &mut into);
            let length = into.filled().len() as u64;
            match read {
                Poll::Ready(Ok(())) if length > 0 && length < self.discard.bytes => {
                    self.discard.bytes -= length;
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    return match &mut self.reading_on {
                        Some(deadline) => deadline.as_mut().poll(cx),
                        None => Poll::Ready(()),
                    };
                }
            }
            let is_late = |deadline: &Pin<Box<Sleep>>| deadline.is_elapsed();
            if self.reading_on.as_ref().is_some_and(is_late) {
                return Poll::Ready(());
            }
        }
    }

    fn note_write(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => self.activity.cannot_write(Instant::now()),
            Poll::Ready(_) => self.activity.wrote(),
        }
        written
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, into))?;
        if into.filled().len() > before {
            self.activity.read(Instant::now());
        } else if into.remaining() > 0 && self.activity.read_end(Instant::now()) {
            // hyper would drop the request. The connection itself knows the deadline.
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.note_write(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(cx, pieces);
        self.note_write(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reading_on.is_none() {
            ready!(Pin::new(&mut self.tcp).poll_shutdown(cx))?;
            if !self.activity.has_unread_input() {
                return Poll::Ready(Ok(()));
            }
            self.reading_on = Some(Box::pin(sleep(self.discard.time)));
        }
        self.poll_discard(cx).map(Ok)
    }
}
