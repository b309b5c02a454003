//! The body of a request on its way to the upstream: kept, so that it can be sent again, or streamed.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Full};

use crate::patience::{Patient, Progress, Silence};

/// Up to so many bytes are kept; a request with more is sent once.
const KEPT: usize = 1024 * 1024;
/// A client may be silent for so long in the middle of its upload.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is sent to the upstream.
pub(crate) enum Upload {
    Kept(Full<Bytes>),
    Streamed(Streamed),
}

/// The chunks that were taken while the upload might still have been a short one, and all that follows.
pub(crate) struct Streamed {
    taken: VecDeque<Bytes>,
    rest: Patient,
    progress: Progress,
}

/// The client's upload broke off. The cause is the client's connection, or its silence.
#[derive(Debug)]
pub(crate) struct UploadError(BoxError);

impl Upload {
    /// Takes a body in until it ends, or is too long to be kept.
    pub(crate) async fn take(body: Body, progress: &Progress) -> Result<Self, UploadError> {
        let announced = body.size_hint().lower();
        let mut rest = Patient::new(PATIENCE, body);
        let mut taken = VecDeque::new();
        let mut length = 0;
        while announced <= KEPT as u64 && length <= KEPT {
            match rest.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        length += chunk.len();
                        taken.push_back(chunk);
                    }
                }
                Some(Err(error)) => return Err(UploadError(error)),
                None => return Ok(Self::Kept(Full::new(whole(taken)))),
            }
        }
        let progress = progress.clone();
        Ok(Self::Streamed(Streamed {
            taken,
            rest,
            progress,
        }))
    }

    /// The same body once more, if it was kept.
    pub(crate) fn again(&self) -> Option<Self> {
        match self {
            Self::Kept(body) => Some(Self::Kept(body.clone())),
            Self::Streamed(_) => None,
        }
    }
}

fn whole(mut chunks: VecDeque<Bytes>) -> Bytes {
    match chunks.len() {
        0 | 1 => chunks.pop_front().unwrap_or_default(),
        _ => chunks.make_contiguous().concat().into(),
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        match self.get_mut() {
            Self::Kept(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|never| match never {}),
            Self::Streamed(body) => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Kept(body) => body.is_end_stream(),
            Self::Streamed(body) => body.taken.is_empty() && body.rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Kept(body) => body.size_hint(),
            Self::Streamed(body) => body.size_hint(),
        }
    }
}

impl Streamed {
    /// Trailers are left out: they could carry what a header may not.
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        self.progress.note();
        if let Some(chunk) = self.taken.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        loop {
            match ready!(Pin::new(&mut self.rest).poll_frame(cx)) {
                Some(Ok(trailers)) if trailers.is_trailers() => {}
                frame => return Poll::Ready(frame.map(|frame| frame.map_err(UploadError))),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let taken = self
            .taken
            .iter()
            .map(|chunk| chunk.len() as u64)
            .sum::<u64>();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + taken);
        }
        hint.set_lower(rest.lower() + taken);
        hint
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
