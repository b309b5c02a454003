//! Forwarding: from a client's request to the upstream's response.

pub(super) mod base_url;
pub(super) mod client;
mod credentials;
pub(super) mod hop_by_hop;
pub(super) mod idle_timeout;
pub(super) mod upload;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use tower::{BoxError, Service, ServiceExt};
use tower_rotating_auth::inbound::Principal;

use self::base_url::Base;
use self::idle_timeout::{IdleTimeout, Progress};
use self::upload::{Upload, UploadError};
use super::error_response::Problem;
use crate::error::{causes, chain};
use crate::output;

/// Forwards requests through a service that injects the key.
#[derive(Clone)]
pub(crate) struct Proxy<S> {
    service: S,
    target: Arc<Target>,
}

struct Target {
    base: Base,
    /// How long the upstream may be silent.
    patience: Duration,
}

impl<S, B> Proxy<S>
where
    S: Service<Request<Upload>, Response = http::Response<B>, Error: Error + 'static> + Clone,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    pub(crate) fn new(service: S, base: &Base, patience: Duration) -> Self {
        let target = Target {
            base: base.clone(),
            patience,
        };
        Self {
            service,
            target: Arc::new(target),
        }
    }

    pub(crate) async fn answer(self, request: Request<Body>) -> Response {
        self.forward(request)
            .await
            .unwrap_or_else(IntoResponse::into_response)
    }

    async fn forward(self, request: Request<Body>) -> Result<Response, Problem> {
        let progress = Progress::default();
        let request = self.target.rewrite(request, &progress)?;
        let answer = progress
            .wait(self.target.patience, self.service.oneshot(request))
            .await
            .map_err(|_silence| {
                output::complain(format_args!("upstream did not answer in time"));
                Problem::Silent
            })?
            .map_err(|error| problem(&error))?;
        self.target.response(answer)
    }
}

impl Target {
    /// Rewrites a request for the upstream. Drops hop-by-hop headers and the client's credentials.
    /// The inner service injects the key.
    fn rewrite(
        &self,
        request: Request<Body>,
        progress: &Progress,
    ) -> Result<Request<Upload>, Problem> {
        let (asked, body) = request.into_parts();
        if asked.method == Method::CONNECT || is_preflight(&asked) {
            return Err(Problem::Method);
        }
        let uri = self.base.join(&asked.uri).map_err(|_| Problem::Path)?;
        let mut headers = asked.headers;
        let framed = hop_by_hop::frames_a_body(&headers);
        hop_by_hop::request(&mut headers, asked.version);
        credentials::strip(&mut headers);

        let upload = Upload::new(body, progress);
        if let Some(length) = upload.size_hint().exact().filter(|_| framed) {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        let mut request = Request::new(upload);
        request.extensions_mut().insert(progress.clone());
        *request.method_mut() = asked.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Rewrites the upstream's response for the client. A 401 concerns the gateway's key, since the
    /// client's key never got there, so it becomes a 502.
    fn response<B>(&self, answer: http::Response<B>) -> Result<Response, Problem>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Err(Problem::Unauthorized);
        }
        let (head, body) = answer.into_parts();
        let mut answer = Response::new(Body::new(IdleTimeout::new(self.patience, Body::new(body))));
        *answer.status_mut() = head.status;
        *answer.headers_mut() = head.headers;
        hop_by_hop::response(answer.headers_mut());
        Ok(answer)
    }
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
