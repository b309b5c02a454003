//! The body that the inner service gets.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::record::{First, Spliced, Turn, poll_frame_of};
use crate::box_error::BoxError;

/// A body that streams through, and whose frames may be recorded.
///
/// Made by [`BufferBody`](crate::outbound::replay::BufferBody). All attempts report the same
/// length and the same end, so they are framed alike. When a replay takes over, the body of the
/// attempt before fails with [`SupersededError`](crate::outbound::replay::SupersededError), and
/// never ends as if it were complete.
///
/// Its errors are the body's own, boxed and not wrapped. It is `Sync` even if the body is not. The
/// default is an empty body.
pub struct ReplayBody<B>(Mutex<Kind<B>>); // for `Sync`; never contended

enum Kind<B> {
    /// Nothing of it is recorded.
    Plain(B),
    /// It has ended. Holds the size hint that it had when it was new.
    Ended(SizeHint),
    First(First<B>),
    Second(Spliced<B>),
}

impl<B> ReplayBody<B> {
    /// Creates a body that is sent once.
    pub(crate) const fn plain(body: B) -> Self {
        Self::new(Kind::Plain(body))
    }

    /// Creates a body without frames.
    pub(crate) const fn ended(hint: SizeHint) -> Self {
        Self::new(Kind::Ended(hint))
    }

    pub(crate) const fn first(first: First<B>) -> Self {
        Self::new(Kind::First(first))
    }

    pub(crate) const fn second(body: Spliced<B>) -> Self {
        Self::new(Kind::Second(body))
    }

    const fn new(kind: Kind<B>) -> Self {
        Self(Mutex::new(kind))
    }

    fn kind(&self) -> MutexGuard<'_, Kind<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Kind<B> {
    fn alone(body: Spliced<B>) -> Self {
        if !body.is_caught_up() {
            return Self::Second(body);
        }
        let ended = || Self::Ended(SizeHint::with_exact(0));
        body.into_rest().map_or_else(ended, Self::Plain)
    }
}

impl<B> Body for ReplayBody<B>
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let kind = self.get_mut().0.get_mut();
        let kind = kind.unwrap_or_else(PoisonError::into_inner);
        loop {
            *kind = match kind {
                Kind::Plain(body) => return poll_frame_of(body, cx),
                Kind::Ended(_) => return Poll::Ready(None),
                Kind::First(first) => match first.poll_frame(cx) {
                    Turn::Polled(polled) => return polled,
                    Turn::Alone(body) => Kind::alone(body),
                },
                Kind::Second(second) => return second.poll_frame(cx),
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        match &*self.kind() {
            Kind::Plain(body) => body.is_end_stream(),
            Kind::Ended(_) => true,
            Kind::First(first) => first.is_end_stream(),
            Kind::Second(second) => second.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &*self.kind() {
            Kind::Plain(body) => body.size_hint(),
            Kind::Ended(hint) => SizeHint::clone(hint),
            Kind::First(first) => first.size_hint(),
            Kind::Second(second) => second.size_hint(),
        }
    }
}

impl<B> Default for ReplayBody<B> {
    fn default() -> Self {
        Self::ended(SizeHint::with_exact(0))
    }
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayBody").finish_non_exhaustive()
    }
}
