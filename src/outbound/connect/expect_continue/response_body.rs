//! The body of a response.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::held::Held;

pin_project! {
    /// The body of a response.
    ///
    /// If the upload was not sent, its connection stays open until this body ends or is dropped.
    pub struct ExpectContinueResponseBody<R> {
        #[pin]
        body: R,
        upload: Option<RefusedUpload>,
    }
}

/// An upload that is not sent. Dropping it ends the request.
pub(crate) struct RefusedUpload(Arc<dyn Release + Send + Sync>);

trait Release {
    fn release(&self);
}

impl<B> Release for Held<B> {
    fn release(&self) {
        Self::release(self);
    }
}

impl RefusedUpload {
    pub(crate) fn new<B: Send + 'static>(held: Arc<Held<B>>) -> Self {
        Self(held)
    }
}

impl Drop for RefusedUpload {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl<R> ExpectContinueResponseBody<R> {
    pub(crate) const fn new(body: R, upload: Option<RefusedUpload>) -> Self {
        Self { body, upload }
    }
}

impl<R: Body> Body for ExpectContinueResponseBody<R> {
    type Data = R::Data;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<R::Data>, R::Error>>> {
        let this = self.project();
        let frame = this.body.poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) {
            *this.upload = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<R: Default> Default for ExpectContinueResponseBody<R> {
    fn default() -> Self {
        Self::new(R::default(), None)
    }
}

impl<R: fmt::Debug> fmt::Debug for ExpectContinueResponseBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpectContinueResponseBody")
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
