//! The adapter for `http::Request` and `http::Response`.

use std::fmt;

use http::header::{HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};

use super::classify::ClassifyRejection;
use super::rejection::{Rejection, shows_acceptance};
use super::request::RequestAdapter;
use super::saved_head::SavedHead;
use super::target::Target;
use crate::outbound::outcome::Outcome;
use crate::outbound::replay::{CloneBody, Replay};

/// The adapter for `http::Request` and `http::Response`, with a [`Replay`] for their bodies.
#[derive(Clone, Debug)]
pub struct HttpAdapter<R = CloneBody> {
    replay: R,
    rejection: Rejection,
}

impl<R> HttpAdapter<R> {
    pub(crate) const fn new(replay: R, rejection: Rejection) -> Self {
        Self { replay, rejection }
    }

    pub(crate) fn with_replay<Q>(self, replay: Q) -> HttpAdapter<Q> {
        HttpAdapter::new(replay, self.rejection)
    }

    pub(crate) fn or_status(mut self, status: StatusCode) -> Self {
        self.rejection = self.rejection.or_status(status);
        self
    }
}

/// The saved head of a request, without the injected key, and its saved body.
pub struct SavedRequest<B> {
    head: SavedHead,
    body: B,
}

impl<R: Replay<B>, B> RequestAdapter<Request<B>> for HttpAdapter<R> {
    type Sent = Request<R::Body>;
    type Saved = SavedRequest<R::Saved>;

    fn target<'a>(&self, request: &'a Request<B>) -> Target<'a> {
        Target::from_uri(request.uri()).with_host(request.headers())
    }

    fn has_header(&self, request: &mut Request<B>, name: &HeaderName) -> bool {
        request.headers().contains_key(name)
    }

    fn pass(&self, request: Request<B>) -> Self::Sent {
        request.map(|body| self.replay.pass(body))
    }

    fn save(&self, request: Request<B>) -> (Self::Sent, Option<Self::Saved>) {
        let (head, body) = request.into_parts();
        let (body, saved) = self.replay.save(body);
        let saved = saved.map(|body| SavedRequest {
            head: SavedHead::new(&head),
            body,
        });
        (Request::from_parts(head, body), saved)
    }

    fn pause(&self, saved: Self::Saved) -> Option<Self::Saved> {
        let body = self.replay.pause(saved.body)?;
        Some(SavedRequest { body, ..saved })
    }

    fn resend(&self, saved: Self::Saved) -> Option<Self::Sent> {
        let body = self.replay.restore(saved.body)?;
        saved.head.restore(body)
    }

    fn resend_again(&self, saved: Self::Saved) -> Option<(Self::Sent, Option<Self::Saved>)> {
        let (body, again) = self.replay.restore_again(saved.body)?;
        let again = again.map(|body| SavedRequest {
            head: saved.head.clone(),
            body,
        });
        Some((saved.head.restore(body)?, again))
    }

    fn set_header(&self, request: &mut Self::Sent, name: &HeaderName, value: HeaderValue) {
        request.headers_mut().insert(name, value);
    }
}

impl<R, A, E> ClassifyRejection<Response<A>, E> for HttpAdapter<R> {
    fn rejects(&self, answer: &Result<Response<A>, E>) -> bool {
        answer.as_ref().is_ok_and(|response| {
            self.rejection
                .matches(response.status(), response.headers())
        })
    }

    fn accepts(&self, answer: &Result<Response<A>, E>) -> bool {
        let shows = |response: &Response<A>| shows_acceptance(response.status());
        answer.as_ref().is_ok_and(shows)
    }

    fn record_outcome(&self, response: &mut Response<A>, outcome: Outcome) {
        response.extensions_mut().insert(outcome);
    }
}

impl<B> fmt::Debug for SavedRequest<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedRequest").finish_non_exhaustive()
    }
}
