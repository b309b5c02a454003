//! The body of a request, which fails when the client's key ends.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::guard::KeyGuard;
use super::key_ended::KeyEndedError;
use crate::box_error::BoxError;
use crate::inbound::key::KeyStatus;

pin_project! {
    /// The body of a request that [`RequireKey`](crate::inbound::RequireKey) let in.
    ///
    /// It yields the frames of the client's body. If the client's key ends meanwhile, for whatever
    /// reason, it fails with a [`KeyEndedError`](crate::inbound::KeyEndedError), and wakes whoever
    /// waits for a frame. A handler that reads an upload learns so that it must stop.
    ///
    /// Poll it in a tokio runtime with a timer.
    #[derive(Default)]
    pub struct RequestBody<B> {
        #[pin]
        body: B,
        guard: Option<KeyGuard>,
        ended: Option<Ended>,
    }
}

/// Created when the body is pending for the first time, so that other bodies cost no subscription.
type Ended = Pin<Box<dyn Future<Output = KeyStatus> + Send>>;

impl<B> RequestBody<B> {
    pub(crate) fn new(body: B, guard: Option<KeyGuard>) -> Self {
        Self {
            body,
            guard,
            ended: None,
        }
    }

    /// Returns the client's body. It goes on when the key ends.
    #[must_use]
    pub fn into_inner(self) -> B {
        self.body
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = self.project();
        let Some(guard) = this.guard else {
            return this.body.poll_frame(cx).map_err(Into::into);
        };
        if let Some(ended) = guard.look() {
            return Poll::Ready(Some(Err(KeyEndedError::new(ended).into())));
        }
        if let Poll::Ready(frame) = this.body.poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let ended = this.ended.get_or_insert_with(|| {
            let key = guard.key().clone();
            Box::pin(async move { key.ended().await })
        });
        let ended = ended.as_mut().poll(cx);
        ended.map(|ended| Some(Err(KeyEndedError::new(ended).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Clone> Clone for RequestBody<B> {
    fn clone(&self) -> Self {
        Self {
            body: self.body.clone(),
            guard: self.guard.clone(),
            ended: None,
        }
    }
}

impl<B> fmt::Debug for RequestBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").finish_non_exhaustive()
    }
}
