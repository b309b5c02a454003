//! The adapter for `http::Request` and `http::Response`.

use std::fmt;
use std::slice::from_ref;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};

use super::classify::{ClassifyRejection, Verdict};
use super::extended_connect::ExtendedConnect;
use super::rejection::Rejection;
use super::request::{Kept, RequestAdapter};
use super::saved_head::{SavedHead, info_of};
use super::target::Target;
use crate::outbound::credential::AuthScheme;
use crate::outbound::event::RequestInfo;
use crate::outbound::header;
use crate::outbound::outcome::Outcome;
use crate::outbound::replay::{CloneBody, Replay};
use crate::syntax::header_name::remove_variables;

/// The adapter for `http::Request` and `http::Response`, with a [`Replay`] for their bodies.
///
/// A [`Verdict`] in the extensions of a response says what the response says about the credential.
/// Without one, a [`Rejection`] decides.
#[derive(Clone, Debug)]
pub struct HttpAdapter<R = CloneBody> {
    replay: R,
    rejection: Rejection,
    extended_connect: ExtendedConnect,
}

impl HttpAdapter {
    pub(crate) fn new() -> Self {
        Self {
            replay: CloneBody,
            rejection: Rejection::default(),
            extended_connect: ExtendedConnect::default(),
        }
    }
}

impl<R> HttpAdapter<R> {
    pub(crate) fn with_replay<Q>(self, replay: Q) -> HttpAdapter<Q> {
        HttpAdapter {
            replay,
            rejection: self.rejection,
            extended_connect: self.extended_connect,
        }
    }

    pub(crate) fn with_extended_connect(self, extended_connect: ExtendedConnect) -> Self {
        Self {
            extended_connect,
            ..self
        }
    }

    pub(crate) const fn extended_connect(&self) -> ExtendedConnect {
        self.extended_connect
    }

    pub(crate) fn or_status(mut self, status: StatusCode) -> Self {
        self.rejection = self.rejection.or_status(status);
        self
    }

    pub(crate) fn inconclusive_if(
        mut self,
        rule: impl Fn(StatusCode, &HeaderMap) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.rejection = self.rejection.inconclusive_if(rule);
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

    fn target<'a>(&self, request: &'a mut Request<B>) -> Target<'a> {
        self.extended_connect.target(request)
    }

    fn has_header(&self, request: &mut Request<B>, name: &HeaderName) -> bool {
        request.headers().contains_key(name)
    }

    fn remove_header(&self, request: &mut Request<B>, name: &HeaderName) {
        remove_variables(request.headers_mut(), from_ref(name));
    }

    fn pass(&self, request: Request<B>) -> Self::Sent {
        request.map(|body| self.replay.pass(body))
    }

    fn save(&self, request: Request<B>) -> (Self::Sent, Kept<Self::Saved>) {
        let (head, body) = request.into_parts();
        let (body, saved) = self.replay.save(body);
        let kept = match saved {
            Some(body) => Kept::ForReplay(SavedRequest {
                head: SavedHead::new(&head),
                body,
            }),
            None => Kept::ForEvents(info_of(&head.method, &head.headers)),
        };
        (Request::from_parts(head, body), kept)
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

    fn info(&self, saved: &mut Self::Saved) -> RequestInfo {
        saved.head.info()
    }

    fn set_header(&self, request: &mut Self::Sent, name: &HeaderName, value: HeaderValue) {
        header::set(request.headers_mut(), name, value);
    }
}

impl<R, A, E> ClassifyRejection<Response<A>, E> for HttpAdapter<R> {
    fn classify(&self, answer: &Result<Response<A>, E>, scheme: Option<&AuthScheme>) -> Verdict {
        let Ok(response) = answer else {
            return Verdict::Inconclusive;
        };
        if let Some(verdict) = response.extensions().get::<Verdict>() {
            return *verdict;
        }
        self.rejection
            .classify(response.status(), response.headers(), scheme)
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
