//! Forwarding: from a client's request to the upstream's response.

pub(super) mod address;
pub(super) mod admission;
pub(super) mod answers;
pub(super) mod body;
pub(super) mod client;
mod connector;
mod dropped;
pub(super) mod headers;
pub(super) mod sent_keys;
pub(super) mod trusted_ca;
pub(super) mod upgrade;

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_PROTOCOL, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt as _;
use tokio::time::Instant;
use tower::{BoxError, Service, ServiceExt};
use tower_rotating_auth::inbound::Principal;

use self::address::base_url::Base;
use self::address::map_back;
use self::admission::{Admission, Permit, Who};
use self::answers::Answers;
use self::body::idle_timeout::{IdleTimeout, Progress};
use self::body::response::{Held, Unsized};
use self::body::upload::{Upload, UploadError};
pub(super) use self::dropped::Reports;
use self::headers::{
    Direction, HeaderPolicy, Via, filter, frames_a_body, remove_echoes, wants_trailers,
};
use self::sent_keys::SentKeys;
use self::upgrade::{Client, Handshake, Tunnel, Upgrade, keep_subprotocols};
use super::access::Record;
use super::error_response::Problem;
use super::limits::ProxyLimits;
use super::server::Peer;
use crate::error::{causes, chain};
use crate::output;

/// Forwards requests through a service that injects the key.
#[derive(Clone)]
pub(crate) struct Proxy<S> {
    service: S,
    admission: Admission,
    target: Arc<Target>,
}

/// Where requests go, and what of them.
pub(crate) struct Target {
    pub(crate) base: Base,
    /// What the log calls the upstream.
    pub(crate) label: Arc<str>,
    /// How long the upstream may be silent.
    pub(crate) patience: Duration,
    pub(crate) limits: ProxyLimits,
    pub(crate) headers: HeaderPolicy,
    pub(crate) via: Via,
    pub(crate) reports: Arc<Reports>,
    pub(crate) answers: Answers,
}

impl<S, B> Proxy<S>
where
    S: Service<Request<Upload>, Response = http::Response<B>, Error: Error + 'static> + Clone,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    pub(crate) fn new(service: S, admission: Admission, target: Target) -> Self {
        Self {
            service,
            admission,
            target: Arc::new(target),
        }
    }

    pub(crate) async fn answer(self, request: Request<Body>) -> Response {
        self.forward(request)
            .await
            .unwrap_or_else(IntoResponse::into_response)
    }

    async fn forward(self, mut request: Request<Body>) -> Result<Response, Problem> {
        let permit = self.admission.admit(who(&request))?;
        let method = request.method().clone();
        let progress = Progress::new(Instant::now());
        let sent = SentKeys::default();
        let record = request.extensions_mut().remove::<Record>();
        if let Some(record) = &record {
            record.forwarded(request.extensions().get(), &self.target.label);
        }
        let asked = request.extensions_mut().remove::<Upgrade>();
        let client = asked
            .is_some()
            .then(|| Client::take(&mut request, record.clone()));
        let (mut request, handshake) = self.target.rewrite(request, asked, &progress)?;
        request.extensions_mut().insert(sent.clone());
        let answer = progress
            .wait(self.target.patience, self.service.oneshot(request))
            .await;
        if let (Some(record), Ok(Ok(answer))) = (&record, &answer) {
            if let Some(outcome) = answer.extensions().get() {
                record.key_outcome(outcome);
            }
        }
        let answer = match answer {
            Ok(Ok(answer)) => match handshake.zip(client) {
                Some((handshake, client)) => self
                    .target
                    .switched(&handshake, client, answer, &sent, permit),
                None => self.target.response(&method, answer, &sent, permit),
            },
            Ok(Err(error)) => Err(problem(&error)),
            Err(_silence) => {
                output::complain(format_args!("upstream did not answer in time"));
                Err(Problem::Silent)
            }
        };
        let outcome = answer.as_ref().map(|_| ()).map_err(|problem| *problem);
        self.target.answers.note(outcome, Instant::now());
        answer
    }
}

impl Target {
    /// Rewrites a request for the upstream. Drops headers that end here and the client's
    /// credentials. The inner service injects the key.
    fn rewrite(
        &self,
        request: Request<Body>,
        upgrade: Option<Upgrade>,
        progress: &Progress,
    ) -> Result<(Request<Upload>, Option<Handshake>), Problem> {
        let (asked, body) = request.into_parts();
        if asked.method == Method::CONNECT || is_preflight(&asked) {
            return Err(Problem::Method);
        }
        let uri = self.base.join(&asked.uri).map_err(|_| Problem::Path)?;
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
        request.extensions_mut().insert(progress.clone());
        *request.method_mut() = asked.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok((request, handshake))
    }

    /// Switches to another protocol, if the upstream agreed. Otherwise, its response is one like
    /// others.
    fn switched<B>(
        &self,
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
                return Err(Problem::InvalidAnswer);
            }
            return self.response(&Method::GET, answer, sent, permit);
        }
        if !handshake.is_accepted_by(answer.headers()) {
            output::complain(format_args!(
                "the upstream switched to a protocol that it was not asked for"
            ));
            return Err(Problem::InvalidAnswer);
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
        dropped.extend(remove_echoes(headers, &sent.all()));
        self.reports.add(Direction::Response, dropped);
        map_back(headers, &self.base);
    }

    /// Rewrites the upstream's response for the client. A 401 concerns the gateway's key, since the
    /// client's key never got there, so it becomes a 502.
    fn response<B>(
        &self,
        method: &Method,
        answer: http::Response<B>,
        sent: &SentKeys,
        permit: Permit,
    ) -> Result<Response, Problem>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (head, body) = answer.into_parts();
        if head.status == StatusCode::UNAUTHORIZED {
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
            Body::new(Unsized)
        } else {
            let body = body.map_frame(self.trailers(sent.all()));
            Body::new(IdleTimeout::new(self.patience, Body::new(body)))
        };
        let mut answer = Response::new(Body::new(Held::new(body, permit)));
        *answer.status_mut() = head.status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }

    /// Returns what happens to the frames of a response: trailers pass the same rules as headers.
    fn trailers(&self, sent: Vec<HeaderValue>) -> impl FnMut(Frame<Bytes>) -> Frame<Bytes> + use<> {
        let (policy, reports) = (self.headers.clone(), Arc::clone(&self.reports));
        move |frame| match frame.into_trailers() {
            Ok(mut trailers) => {
                let mut dropped = filter(&mut trailers, Direction::Response, &policy);
                dropped.extend(remove_echoes(&mut trailers, &sent));
                reports.add(Direction::Response, dropped);
                Frame::trailers(trailers)
            }
            Err(frame) => frame,
        }
    }
}

/// Returns whom a request counts for.
fn who(request: &Request<Body>) -> Who {
    let extensions = request.extensions();
    if let Some(client) = extensions.get::<Principal>().and_then(Principal::key) {
        return Who::Client(client.client().clone());
    }
    let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    Who::Address(extensions.get().map_or(unknown, |Peer(address)| *address))
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

/// Decides whether the client or the upstream is to blame for a missing response.
fn problem(error: &(dyn Error + 'static)) -> Problem {
    if let Some(upload) = causes(error).find_map(|cause| cause.downcast_ref()) {
        return upload_problem(upload);
    }
    output::complain(format_args!(
        "no response from the upstream: {}",
        chain(error)
    ));
    Problem::Unreachable
}

fn upload_problem(error: &UploadError) -> Problem {
    if error.is_silence() {
        Problem::UploadSilent
    } else {
        Problem::UploadBroken
    }
}
