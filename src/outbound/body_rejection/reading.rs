//! A response whose beginning is being read.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Response;
use http::response::Parts;
use http_body::{Body, Frame};
use tokio::time::{Sleep, sleep};

use super::body::{Next, PrefixedBody, poll_frame};
use crate::outbound::adapter::Verdict;

/// The most bytes that are read, and that a rule gets to see.
const LIMIT: usize = 8 * 1024;

/// A response whose beginning is being read.
pub(crate) struct Reading<B: Body> {
    head: Parts,
    /// The data so far. Copied, since a short piece can keep a long buffer alive.
    bytes: BytesMut,
    /// Goes down with each byte, and by one for a piece without any, so that the number of pieces
    /// is limited, too.
    room: usize,
    next: Next<B::Error>,
    rest: B,
    timeout: Duration,
    /// Created when the body is pending for the first time.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B: Body + Unpin> Reading<B> {
    pub(crate) fn new(response: Response<B>, timeout: Duration) -> Self {
        let (head, rest) = response.into_parts();
        Self {
            head,
            bytes: BytesMut::new(),
            room: LIMIT,
            next: Next::Unread,
            rest,
            timeout,
            timer: None,
        }
    }

    /// Reads until the limit is reached, the body has ended or failed, or the time is over.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.room > 0 && !self.rest.is_end_stream() {
            let Poll::Ready(frame) = poll_frame(Pin::new(&mut self.rest), cx) else {
                return self.poll_deadline(cx);
            };
            self.next = match frame.map(|frame| frame.map(Frame::into_data)) {
                None => Next::Ended,
                Some(Err(error)) => Next::Frame(Err(error)),
                Some(Ok(Err(trailers))) => Next::Frame(Ok(trailers)),
                Some(Ok(Ok(data))) => {
                    let data = self.take_in(data);
                    if data.is_empty() {
                        continue;
                    }
                    Next::Frame(Ok(Frame::data(data)))
                }
            };
            break;
        }
        Poll::Ready(())
    }

    /// Takes in data up to the limit. Returns what is left.
    fn take_in(&mut self, mut data: Bytes) -> Bytes {
        let taken = data.split_to(data.len().min(self.room));
        self.bytes.extend_from_slice(&taken);
        self.room -= taken.len().max(1);
        data
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timeout = self.timeout;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(timeout)));
        timer.as_mut().poll(cx)
    }

    /// Returns the response, marked if `rejects` says that the bytes so far reject the key.
    pub(crate) fn finish(self, rejects: fn(&[u8]) -> bool) -> Response<PrefixedBody<B>> {
        let is_rejection = rejects(&self.bytes);
        let body = PrefixedBody::new(self.bytes.freeze(), self.next, self.rest);
        let mut response = Response::from_parts(self.head, body);
        if is_rejection {
            response.extensions_mut().insert(Verdict::Rejected);
        }
        response
    }
}
