//! Request bodies. They stream to the upstream, and can be sent again while they fit a buffer.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::idle_timeout::{IdleTimeout, Progress, Silence};

/// A client's request body.
pub(crate) struct Upload {
    body: IdleTimeout<Body>,
    progress: Progress,
}

/// The client's upload ended early, because of its connection or its silence.
#[derive(Debug)]
pub(crate) struct UploadError(BoxError);

impl Upload {
    /// `patience` is how long the client may be silent.
    pub(crate) fn new(body: Body, patience: Duration, progress: &Progress) -> Self {
        Self {
            body: IdleTimeout::new(patience, body),
            progress: progress.clone(),
        }
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = UploadError;

    /// Drops trailers, which could smuggle in what a header may not carry.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        loop {
            self.progress.note(Instant::now());
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(trailers))) if trailers.is_trailers() => {}
                Poll::Ready(frame) => {
                    return Poll::Ready(frame.map(|frame| frame.map_err(UploadError)));
                }
                Poll::Pending => {
                    self.progress.wait_for_client();
                    return Poll::Pending;
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.progress.note(Instant::now());
    }
}

impl UploadError {
    /// Returns whether the client went silent, and did not disconnect.
    pub(crate) fn is_silence(&self) -> bool {
        self.0.is::<Silence>()
    }
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client's upload ended early")
    }
}

impl Error for UploadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.as_ref())
    }
}
