//! The response future of [`RejectByBody`](crate::outbound::body_rejection::RejectByBody).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::PrefixedBody;
use super::reading::Reading;
use super::rule::Rule;
use crate::completion::{polled_after_completion, present, taken};

pin_project! {
    /// The response future of [`RejectByBody`](crate::outbound::body_rejection::RejectByBody).
    ///
    /// # Panics
    ///
    /// Panics if it has to wait for a body outside of a tokio runtime with timers, and if it is
    /// polled after its completion.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, B>
    where
        B: Body,
    {
        rule: Rule,
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, B>
    where
        B: Body,
    {
        Calling { #[pin] answer: F },
        // Boxed, since few responses are read. By then the inner future is dropped, with any permit
        // that it holds.
        Reading { reading: Option<Box<Reading<B>>> },
        Done,
    }
}

impl<F, B: Body> ResponseFuture<F, B> {
    pub(crate) const fn new(answer: F, rule: Rule) -> Self {
        let state = State::Calling { answer };
        Self { rule, state }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body + Unpin,
{
    type Output = Result<Response<PrefixedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let response = match this.state.as_mut().project() {
                StateProj::Calling { answer } => match ready!(answer.poll(cx)) {
                    Ok(response) if this.rule.reads(&response) => {
                        let reading = Reading::new(response, this.rule.read_timeout);
                        let reading = Some(Box::new(reading));
                        this.state.set(State::Reading { reading });
                        continue;
                    }
                    answer => answer.map(|response| response.map(PrefixedBody::unread)),
                },
                StateProj::Reading { reading } => {
                    ready!(present(reading).poll_read(cx));
                    Ok(taken(reading).finish(this.rule.rejects))
                }
                StateProj::Done => polled_after_completion(),
            };
            this.state.set(State::Done);
            return Poll::Ready(response);
        }
    }
}

impl<F, B: Body> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
