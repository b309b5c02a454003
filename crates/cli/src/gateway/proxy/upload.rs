//! The body of a request on its way to the upstream: it streams, and can be sent again while not much of it has been.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tower_rotating_auth::outbound::replay::BufferBody;

use super::idle_timeout::{Patient, Progress, Silence};

/// Up to so many bytes are kept of what the upstream was sent; if it rejects the key after more, there is no
/// second attempt.
pub(crate) const KEEP: BufferBody = BufferBody::new(1024 * 1024);
/// A client may be silent for so long in the middle of its upload.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client sends.
pub(crate) struct Upload {
    body: Patient,
    progress: Progress,
}

/// The client's upload broke off. The cause is the client's connection, or its silence.
#[derive(Debug)]
pub(crate) struct UploadError(BoxError);

impl Upload {
    pub(crate) fn new(body: Body, progress: &Progress) -> Self {
        Self {
            body: Patient::new(PATIENCE, body),
            progress: progress.clone(),
        }
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = UploadError;

    /// Trailers are left out: they could carry what a header may not.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        loop {
            self.progress.note();
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
        self.progress.note();
    }
}

impl UploadError {
    /// Whether the client stopped sending, as opposed to went away.
    pub(crate) fn is_silence(&self) -> bool {
        self.0.is::<Silence>()
    }
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client's upload broke off")
    }
}

impl Error for UploadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.0.as_ref())
    }
}
