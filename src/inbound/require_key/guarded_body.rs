//! The body of a response, which ends with the client's key.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::generation::Generation;
use crate::inbound::key::KeyStatus;
use crate::inbound::principal::KeyPrincipal;

type BoxError = Box<dyn Error + Send + Sync>;

pin_project! {
    /// The body of a response from [`RequireKey`](crate::inbound::RequireKey).
    ///
    /// It yields the frames of the inner body. If the client's key ends meanwhile, for whatever
    /// reason, the body ends with a [`KeyEndedError`], since a clean end would look complete. An
    /// error response has a body of its own.
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
        Inner { #[pin] body: B, guard: Option<Guard> },
        Error { bytes: Option<Bytes> },
        #[default]
        Done,
    }
}

/// The state that watches a key while a response streams.
struct Guard {
    principal: KeyPrincipal,
    /// The generation of the set in which the key was last found to be valid.
    seen: Generation,
    /// The time until which that set lets the key live.
    until: Option<SystemTime>,
    /// Created when the inner body is pending for the first time, so that other bodies cost no
    /// subscription.
    ended: Option<Pin<Box<dyn Future<Output = KeyStatus> + Send>>>,
}

impl<B> GuardedBody<B> {
    pub(crate) fn inner(body: B, principal: Option<KeyPrincipal>) -> Self {
        let guard = principal.map(|principal| Guard {
            seen: principal.seen(),
            until: principal.expires_at(),
            principal,
            ended: None,
        });
        let kind = Kind::Inner { body, guard };
        Self { kind }
    }

    pub(crate) fn error(bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        let kind = Kind::Error { bytes };
        Self { kind }
    }
}

impl Guard {
    /// Returns why the key has ended, if it has, without waiting.
    ///
    /// Costs one atomic load and one reading of the wall clock for each frame. It looks the key up
    /// only if the set has changed or the key's expiry has passed.
    fn look(&mut self) -> Option<KeyStatus> {
        let generation = self.principal.keys().current().generation();
        let now = self.principal.keys().wall();
        if generation == self.seen && self.until.is_none_or(|until| now < until) {
            return None;
        }
        match self.principal.validity_at(now) {
            Ok(until) => {
                (self.seen, self.until) = (generation, until);
                None
            }
            Err(ended) => Some(ended),
        }
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<KeyStatus> {
        let principal = &self.principal;
        self.ended
            .get_or_insert_with(|| {
                let principal = principal.clone();
                Box::pin(async move { principal.ended().await })
            })
            .as_mut()
            .poll(cx)
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
        let (body, guard) = match self.as_mut().project().kind.project() {
            KindProj::Inner { body, guard } => (body, guard),
            KindProj::Error { bytes } => {
                return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
            }
            KindProj::Done => return Poll::Ready(None),
        };
        let Some(guard) = guard else {
            return body.poll_frame(cx).map_err(Into::into);
        };
        let ended = match guard.look() {
            Some(ended) => ended,
            None => match (body.poll_frame(cx), guard) {
                (Poll::Ready(frame), _) => {
                    return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
                }
                (Poll::Pending, guard) => match guard.poll_ended(cx) {
                    Poll::Ready(ended) => ended,
                    Poll::Pending => return Poll::Pending,
                },
            },
        };
        // Drops the inner body now, and with it the work that produces its frames.
        self.project().kind.set(Kind::Done);
        Poll::Ready(Some(Err(KeyEndedError(ended).into())))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body, .. } => body.is_end_stream(),
            Kind::Error { bytes } => bytes.is_none(),
            Kind::Done => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body, .. } => body.size_hint(),
            Kind::Error { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Done => SizeHint::with_exact(0),
        }
    }
}

impl<B> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody").finish_non_exhaustive()
    }
}

/// The error that ends a body whose client's key has ended, for whatever reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyEndedError(KeyStatus);

impl KeyEndedError {
    /// Returns the status of the key, which says why it has ended.
    #[must_use]
    pub const fn status(&self) -> KeyStatus {
        self.0
    }
}

impl fmt::Display for KeyEndedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the caller's key has ended: {}", self.0)
    }
}

impl Error for KeyEndedError {}
