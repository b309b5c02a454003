//! The service.

use std::fmt;
use std::mem::replace;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::EXPECT;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use hyper::ext::on_informational;
use tower_service::Service;

use super::body::ExpectContinueBody;
use super::future::ResponseFuture;
use super::held::Held;
use super::options::Options;
use super::pointless::{Pointless, Target};
use super::response_body::ExpectContinueResponseBody;

/// A service that holds long uploads back until the upstream says `100 Continue`. Created by
/// [`ExpectContinueLayer`](super::ExpectContinueLayer).
#[derive(Clone)]
pub struct ExpectContinue<S> {
    inner: S,
    options: Options,
    pointless: Pointless,
}

impl<S> ExpectContinue<S> {
    pub(super) fn new(inner: S, options: Options) -> Self {
        Self {
            inner,
            options,
            pointless: Pointless::default(),
        }
    }
}

impl<S, B, R> Service<Request<B>> for ExpectContinue<S>
where
    S: Service<Request<ExpectContinueBody<B>>, Response = Response<R>> + Clone,
    B: Body + Send + 'static,
{
    type Response = Response<ExpectContinueResponseBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone may not be ready; what was polled is the one to call.
        let clone = self.inner.clone();
        let mut inner = replace(&mut self.inner, clone);
        let (mut head, body) = request.into_parts();
        let hint = body.size_hint();
        let target = Target::of(&head.uri);
        let asks = self.options.holds_back(head.version, &head.headers, &hint)
            && !self.pointless.contains(&target);
        let origin = (target, self.pointless.clone());
        drop(head.headers.remove(EXPECT));
        if !asks {
            let request = Request::from_parts(head, ExpectContinueBody::sending(body));
            return ResponseFuture::sending(inner.call(request), origin);
        }
        let unasked = head.clone();
        let value = HeaderValue::from_static("100-continue");
        drop(head.headers.insert(EXPECT, value));
        let held = Held::new(body);
        let upload = ExpectContinueBody::held(Arc::clone(&held), self.options.timeout);
        let mut request = Request::from_parts(head, upload);
        let wanted = Arc::clone(&held);
        on_informational(&mut request, move |response| {
            if response.status() == StatusCode::CONTINUE {
                wanted.want();
            }
        });
        let response = inner.call(request);
        ResponseFuture::asking(response, held, inner, unasked, origin)
    }
}

impl<S: fmt::Debug> fmt::Debug for ExpectContinue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpectContinue")
            .field("inner", &self.inner)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
