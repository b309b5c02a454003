//! Bodies of responses to clients.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::gateway::proxy::admission::Permit;

/// The content of a response that has none. Nobody can read a length from it, and so nobody adds
/// one.
pub(crate) struct Unsized;

impl HttpBody for Unsized {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

pin_project! {
    /// A body that holds the place of its request until its end.
    pub(crate) struct Held<B> {
        #[pin]
        body: B,
        _permit: Permit,
    }
}

impl<B> Held<B> {
    pub(crate) const fn new(body: B, permit: Permit) -> Self {
        Self {
            body,
            _permit: permit,
        }
    }
}

impl<B: HttpBody> HttpBody for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
