//! Rewrites of requests and responses for an upstream.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_PROTOCOL, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt as _;
use tower::BoxError;
use tower_rotating_auth::inbound::Principal;
use tower_rotating_auth::outbound::{AttemptResult, Outcome};

use super::address::base_url::{Base, PathError};
use super::address::map_back;
use super::admission::Permit;
use super::answers::Answers;
use super::attempts::SentKeys;
use super::body::idle_timeout::{IdleTimeout, Progress};
use super::body::response::{Held, Unsized};
use super::body::upload::Upload;
use super::dropped::Reports;
use super::headers::{
    Direction, HeaderPolicy, Via, filter, frames_a_body, remove_echoes, wants_trailers,
};
use super::upgrade::{Client, Handshake, Tunnel, Upgrade, keep_subprotocols};
use crate::gateway::error_response::Problem;
use crate::gateway::limits::ProxyLimits;
use crate::output;

/// The upstream of requests, and its settings.
pub(crate) struct Target {
    pub(crate) base: Base,
    /// The upstream's name in the log.
    pub(crate) label: Arc<str>,
    /// How long the upstream may be silent.
    pub(crate) patience: Duration,
    pub(crate) limits: ProxyLimits,
    pub(crate) headers: HeaderPolicy,
    pub(crate) via: Via,
    pub(crate) reports: Arc<Reports>,
    pub(crate) answers: Answers,
}

impl Target {
    /// Rewrites a request for the upstream. Drops headers that end here and the client's
    /// credentials. The inner service injects the key.
    pub(super) fn rewrite(
        &self,
        request: Request<Body>,
        upgrade: Option<Upgrade>,
        progress: &Progress,
    ) -> Result<(Request<Upload>, Option<Handshake>), Problem> {
        let (asked, body) = request.into_parts();
        if is_preflight(&asked) {
            return Err(Problem::Preflight);
        }
        let uri = self.base.join(&asked.uri).map_err(|error| match error {
            PathError::Invalid => Problem::Path,
            PathError::Elsewhere => Problem::NoUpstream,
        })?;
        let mut headers = asked.headers;
        let framed = frames_a_body(&headers);
        let trailers = wants_trailers(&headers);
        let subprotocols = upgrade
            .as_ref()
            .and_then(|_| keep_subprotocols(&mut headers));
        let dropped = filter(&mut headers, Direction::Request, &self.headers);
        self.reports.add(Direction::Request, dropped);
        if let Some(subprotocols) = subprotocols {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, subprotocols);
        }
        let handshake = match upgrade {
            Some(upgrade) => {
                let mut nonce = [0; 16];
                getrandom::fill(&mut nonce).map_err(|_| Problem::Unreachable)?;
                Some(Handshake::ask(upgrade, &mut headers, nonce))
            }
            None => None,
        };
        if trailers && handshake.is_none() {
            // Trailers of the response are forwarded, so this promise holds (RFC 9110 §10.1.4).
            headers.insert(TE, HeaderValue::from_static("trailers"));
            headers.insert(CONNECTION, HeaderValue::from_static("te"));
        }
        self.via.sign(&mut headers, asked.version);

        let upload = Upload::new(body, self.limits.upload_silence, progress);
        if let Some(length) = upload.size_hint().exact().filter(|_| framed) {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        let mut request = Request::new(upload);
        *request.method_mut() = asked.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok((request, handshake))
    }

    /// Switches to another protocol, if the upstream agreed. Otherwise, its response is one like
    /// others.
    pub(super) fn switched<B>(
        self: &Arc<Self>,
        handshake: &Handshake,
        client: Client,
        mut answer: http::Response<B>,
        sent: &SentKeys,
        permit: Permit,
    ) -> Result<Response, Problem>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            if handshake.is_mistaken_for(answer.status()) {
                output::complain(format_args!("the upstream did not switch protocols"));
                return Err(Problem::NotSwitched);
            }
            return self.response(&Method::GET, answer, sent, permit);
        }
        if !handshake.is_accepted_by(answer.headers()) {
            output::complain(format_args!(
                "the upstream switched to a protocol that it was not asked for"
            ));
            return Err(Problem::NotSwitched);
        }
        let tunnel = Tunnel::new(client, &mut answer, self.patience, permit);
        let switched = answer.headers().get(UPGRADE).cloned();
        let mut headers = answer.into_parts().0.headers;
        self.clean(&mut headers, sent);
        let mut answer = Response::new(Body::new(Unsized));
        *answer.status_mut() = handshake.confirm(&mut headers, switched);
        *answer.headers_mut() = headers;
        tunnel.start();
        Ok(answer)
    }

    /// Removes from the headers of a response what does not pass.
    fn clean(&self, headers: &mut HeaderMap, sent: &SentKeys) {
        let mut dropped = filter(headers, Direction::Response, &self.headers);
        dropped.extend(sent.with(|keys| remove_echoes(headers, keys)));
        self.reports.add(Direction::Response, dropped);
        map_back(headers, &self.base);
    }

    /// Rewrites the upstream's response for the client. A rejection concerns the gateway's key,
    /// since the client's key never got there, so it becomes a 502.
    pub(super) fn response<B>(
        self: &Arc<Self>,
        method: &Method,
        answer: http::Response<B>,
        sent: &SentKeys,
        permit: Permit,
    ) -> Result<Response, Problem>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (head, body) = answer.into_parts();
        if head.status == StatusCode::UNAUTHORIZED || is_rejected(&head.extensions) {
            return Err(Problem::Unauthorized);
        }
        // The gateway asked for no upgrade, and asks for no coding.
        let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
        let is_plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        if head.status == StatusCode::SWITCHING_PROTOCOLS || !codings.all(is_plain) {
            output::complain(format_args!(
                "the upstream answered with a protocol or a coding that the gateway did not ask for"
            ));
            return Err(Problem::InvalidAnswer);
        }
        let mut headers = head.headers;
        self.clean(&mut headers, sent);
        let body = if has_no_content(method, head.status) {
            Body::new(Held::new(Unsized, permit))
        } else {
            let body = body.map_frame(self.trailers(sent));
            Body::new(Held::new(IdleTimeout::new(self.patience, body), permit))
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = head.status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }

    /// Returns what happens to the frames of a response: trailers pass the same rules as headers.
    fn trailers(
        self: &Arc<Self>,
        sent: &SentKeys,
    ) -> impl FnMut(Frame<Bytes>) -> Frame<Bytes> + use<> {
        let (target, sent) = (Arc::clone(self), sent.clone());
        move |frame| match frame.into_trailers() {
            Ok(mut trailers) => {
                let mut dropped = filter(&mut trailers, Direction::Response, &target.headers);
                dropped.extend(sent.with(|keys| remove_echoes(&mut trailers, keys)));
                target.reports.add(Direction::Response, dropped);
                Frame::trailers(trailers)
            }
            Err(frame) => frame,
        }
    }
}

/// Returns whether the last answer to a request rejected the key, by whichever sign of a rejection.
fn is_rejected(extensions: &Extensions) -> bool {
    let outcome: Option<&Outcome> = extensions.get();
    let last = outcome.and_then(|outcome| outcome.attempts().last());
    last.is_some_and(|attempt| {
        matches!(
            attempt.result,
            AttemptResult::Rejected | AttemptResult::NotActive
        )
    })
}

/// Returns whether a response has no content, so that a length in it would be another's (RFC 9110
/// §8.6).
fn has_no_content(method: &Method, status: StatusCode) -> bool {
    *method == Method::HEAD
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

/// Returns whether this is a CORS preflight. Authentication lets those pass without a key, so the
/// gateway must not spend its own on them.
fn is_preflight(asked: &Parts) -> bool {
    asked.method == Method::OPTIONS && asked.extensions.get::<Principal>().is_none()
}
