//! The body that the inner service gets.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::held::{Held, Permission};
use crate::box_error::BoxError;
use crate::outbound::replay::SupersededError;

/// A request body that [`ExpectContinue`](super::ExpectContinue) may hold back.
///
/// Its errors are the body's own, boxed and not wrapped. If it is not sent at all because the
/// upstream has responded, it fails with a
/// [`SupersededError`], and never ends as if it were
/// complete.
pub struct ExpectContinueBody<B>(Kind<B>);

enum Kind<B> {
    Sending(B),
    Held {
        held: Arc<Held<B>>,
        timeout: Duration,
        /// Starts when hyper asks for the body, which is after it has written the headers.
        timer: Option<Pin<Box<Sleep>>>,
    },
}

impl<B> ExpectContinueBody<B> {
    pub(crate) const fn sending(body: B) -> Self {
        Self(Kind::Sending(body))
    }

    pub(crate) const fn held(held: Arc<Held<B>>, timeout: Duration) -> Self {
        Self(Kind::Held {
            held,
            timeout,
            timer: None,
        })
    }
}

impl<B> Body for ExpectContinueBody<B>
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let kind = &mut self.get_mut().0;
        loop {
            *kind = match kind {
                Kind::Sending(body) => {
                    let frame = Pin::new(body).poll_frame(cx);
                    return frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)));
                }
                Kind::Held {
                    held,
                    timeout,
                    timer,
                } => {
                    let timed_out = |cx: &mut Context<'_>| {
                        let timer = timer.get_or_insert_with(|| Box::pin(sleep(*timeout)));
                        timer.as_mut().poll(cx)
                    };
                    match ready!(held.poll_permission(timed_out, cx)) {
                        Permission::Send(body) => Kind::Sending(body),
                        Permission::Stop => {
                            return Poll::Ready(Some(Err(SupersededError.into())));
                        }
                    }
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Sending(body) => body.is_end_stream(),
            Kind::Held { held, .. } => held.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Sending(body) => body.size_hint(),
            Kind::Held { held, .. } => held.size_hint(),
        }
    }
}

impl<B> fmt::Debug for ExpectContinueBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpectContinueBody").finish_non_exhaustive()
    }
}
