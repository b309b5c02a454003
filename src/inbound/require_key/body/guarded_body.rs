//! The body of a response, which ends with the client's key.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::guard::KeyGuard;
use super::key_ended::KeyEndedError;
use super::watched::Watched;
use crate::box_error::BoxError;
use crate::inbound::key::KeyStatus;

/// How often a response is polled at once, to see whether it ends: for one frame of data, one of
/// trailers, and the end.
const AT_ONCE: usize = 3;

pin_project! {
    /// The body of a response from [`RequireKey`](crate::inbound::RequireKey).
    ///
    /// It yields the frames of the inner body. If the client's key ends meanwhile, for whatever
    /// reason, the body ends with a [`KeyEndedError`](crate::inbound::KeyEndedError), since a clean
    /// end would look complete. The inner body is dropped then, with whatever it holds, such as a
    /// connection to an upstream: at once, even if the client does not read and nobody polls. An
    /// error response has a body of its own.
    ///
    /// The layer polls each response for its first frames at once. One that ends with them costs no
    /// more. Others get a task on the tokio runtime; outside a runtime, only a poll notices the end
    /// of a key.
    #[derive(Default)]
    pub struct GuardedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Default)]
    enum Kind<B> {
        /// No key guards the body, or it has nothing to guard.
        Inner { #[pin] body: B },
        /// The key guards the body, which the task of `watched` can drop.
        Guarded { guard: KeyGuard, frames: Frames, watched: Option<Watched<B>> },
        Error { bytes: Option<Bytes> },
        /// The key ended before the response.
        Ended { status: KeyStatus },
        #[default]
        Done,
    }
}

/// The first frames of a body, and how much of it is left.
struct Frames {
    first: [Option<Result<Frame<Bytes>, BoxError>>; AT_ONCE],
    left: SizeHint,
}

impl<B> GuardedBody<B> {
    pub(crate) const fn unguarded(body: B) -> Self {
        let kind = Kind::Inner { body };
        Self { kind }
    }

    pub(crate) fn error(bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        let kind = Kind::Error { bytes };
        Self { kind }
    }
}

impl<B> GuardedBody<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    /// Guards a body, of which the first frames may be ready.
    pub(crate) fn guarded(body: B, mut guard: KeyGuard, cx: &mut Context<'_>) -> Self {
        if body.is_end_stream() {
            return Self::unguarded(body);
        }
        if let Some(status) = guard.look() {
            let kind = Kind::Ended { status };
            return Self { kind };
        }
        let left = body.size_hint();
        let mut first = [None, None, None];
        let mut body = Some(Box::pin(body));
        for place in &mut first {
            let Some(Poll::Ready(frame)) = body.as_mut().map(|body| body.as_mut().poll_frame(cx))
            else {
                break;
            };
            *place = frame.map(|frame| frame.map_err(Into::into));
            let goes_on = matches!(place, Some(Ok(_)));
            body = body.filter(|body| goes_on && !body.is_end_stream());
        }
        let watched = body.map(|body| Watched::new(body, guard.key()));
        let frames = Frames { first, left };
        let kind = Kind::Guarded {
            guard,
            frames,
            watched,
        };
        Self { kind }
    }
}

impl Frames {
    fn next(&mut self) -> Option<Result<Frame<Bytes>, BoxError>> {
        let next = self.first.iter_mut().find_map(Option::take)?;
        self.note(&next);
        Some(next)
    }

    /// Takes a frame off what is left.
    fn note<E>(&mut self, frame: &Result<Frame<Bytes>, E>) {
        let data = frame.as_ref().ok().and_then(Frame::data_ref);
        let len = data.map_or(0, |data| data.len() as u64);
        let mut left = SizeHint::new();
        left.set_lower(self.left.lower().saturating_sub(len));
        if let Some(upper) = self.left.upper() {
            left.set_upper(upper.saturating_sub(len));
        }
        self.left = left;
    }

    fn is_empty(&self) -> bool {
        self.first.iter().all(Option::is_none)
    }
}

impl<B> Body for GuardedBody<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let ended = match self.as_mut().project().kind.project() {
            KindProj::Inner { body } => return body.poll_frame(cx).map_err(Into::into),
            KindProj::Error { bytes } => {
                return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
            }
            KindProj::Done => return Poll::Ready(None),
            KindProj::Ended { status } => *status,
            KindProj::Guarded {
                guard,
                frames,
                watched,
            } => match guard.look() {
                Some(ended) => ended,
                None if !frames.is_empty() => return Poll::Ready(frames.next()),
                None => match watched.as_ref().map(|watched| watched.poll_frame(cx)) {
                    None => return Poll::Ready(None),
                    Some(Poll::Pending) => return Poll::Pending,
                    Some(Poll::Ready(Err(ended))) => ended,
                    Some(Poll::Ready(Ok(frame))) => {
                        if let Some(frame) = &frame {
                            frames.note(frame);
                        }
                        return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
                    }
                },
            },
        };
        // Drops the inner body now, and with it the work that produces its frames.
        self.project().kind.set(Kind::Done);
        Poll::Ready(Some(Err(KeyEndedError::new(ended).into())))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Guarded {
                frames, watched, ..
            } => frames.is_empty() && watched.as_ref().is_none_or(Watched::is_end_stream),
            Kind::Error { bytes } => bytes.is_none(),
            Kind::Ended { .. } => false,
            Kind::Done => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Guarded { frames, .. } => frames.left,
            Kind::Error { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Ended { .. } => SizeHint::default(),
            Kind::Done => SizeHint::with_exact(0),
        }
    }
}

impl<B> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody").finish_non_exhaustive()
    }
}
