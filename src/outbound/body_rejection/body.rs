//! The body of a response whose beginning has been read.

use std::fmt;
use std::mem::{replace, take};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// The rest of the body, after the prefix.
pub(crate) enum Next<E> {
    /// The rest of the inner body.
    Unread,
    /// A frame that has been read, then the rest.
    Frame(Result<Frame<Bytes>, E>),
    /// Nothing.
    Ended,
}

pin_project! {
    /// The body of a response from [`RejectByBody`](crate::outbound::body_rejection::RejectByBody).
    ///
    /// It yields the data, the trailers and the error of the inner body, whether or not the
    /// beginning has been read ahead. Pieces that have been read are put together. Others are
    /// passed on as they are, and not copied if they are `Bytes` already.
    pub struct PrefixedBody<B>
    where
        B: Body,
    {
        prefix: Bytes,
        next: Next<B::Error>,
        #[pin]
        rest: B,
    }
}

impl<B: Body> PrefixedBody<B> {
    pub(crate) const fn new(prefix: Bytes, next: Next<B::Error>, rest: B) -> Self {
        Self { prefix, next, rest }
    }

    /// Creates a body of which nothing has been read.
    pub(crate) const fn unread(body: B) -> Self {
        Self::new(Bytes::new(), Next::Unread, body)
    }
}

/// Polls the next frame of a body. Data that is `Bytes` already is not copied.
pub(crate) fn poll_frame<B: Body>(
    body: Pin<&mut B>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
    body.poll_frame(cx)
        .map_ok(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
}

impl<B: Body> Body for PrefixedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        if !this.prefix.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(take(this.prefix)))));
        }
        match replace(this.next, Next::Unread) {
            Next::Unread => poll_frame(this.rest, cx),
            Next::Frame(frame) => Poll::Ready(Some(frame)),
            Next::Ended => {
                *this.next = Next::Ended; // so that the rest is not polled again
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.prefix.is_empty()
            && match &self.next {
                Next::Unread => self.rest.is_end_stream(),
                Next::Frame(_) => false,
                Next::Ended => true,
            }
    }

    fn size_hint(&self) -> SizeHint {
        let mut read = self.prefix.len() as u64;
        let mut hint = self.rest.size_hint();
        match &self.next {
            Next::Unread | Next::Frame(Err(_)) => {}
            Next::Frame(Ok(frame)) => {
                read += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            Next::Ended => hint = SizeHint::with_exact(0),
        }
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint.set_lower(hint.lower().saturating_add(read));
        hint
    }
}

impl<B: Body + Default> Default for PrefixedBody<B> {
    fn default() -> Self {
        Self::unread(B::default())
    }
}

impl<B: Body> fmt::Debug for PrefixedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrefixedBody").finish_non_exhaustive()
    }
}
