//! From a client's request to the upstream's answer.

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
use self::idle_timeout::{Patient, Progress};
use self::upload::{Upload, UploadError};
use super::error_response::Problem;
use crate::error::{causes, chain};
use crate::output;

/// Forwards requests through a service that puts the key on them.
#[derive(Clone)]
pub(crate) struct Proxy<S> {
    service: S,
    target: Arc<Target>,
}

struct Target {
    base: Base,
    /// The upstream may be silent for so long.
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
        let request = self.target.readdress(request, &progress)?;
        let answer = progress
            .wait(self.target.patience, self.service.oneshot(request))
            .await
            .map_err(|_silence| {
                output::complain(format_args!("the upstream did not answer in time"));
                Problem::Silent
            })?
            .map_err(|error| problem(&error))?;
        self.target.hand_on(answer)
    }
}

impl Target {
    /// The same request, of the upstream. It keeps nothing of the client's connection and none of the
    /// client's credentials; the key is put on further in.
    fn readdress(
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

    /// The upstream's answer, for the client. A 401 is about the gateway's key, since the client's never
    /// got there, and so it is not the client's to hear.
    fn hand_on<B>(&self, answer: http::Response<B>) -> Result<Response, Problem>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Err(Problem::Unauthorized);
        }
        let (head, body) = answer.into_parts();
        let mut answer = Response::new(Body::new(Patient::new(self.patience, Body::new(body))));
        *answer.status_mut() = head.status;
        *answer.headers_mut() = head.headers;
        hop_by_hop::response(answer.headers_mut());
        Ok(answer)
    }
}

/// Whether it is what a browser asks before it asks. The door lets that pass without a key, and so no
/// key of ours goes out for it.
fn is_preflight(asked: &Parts) -> bool {
    asked.method == Method::OPTIONS && asked.extensions.get::<Principal>().is_none()
}

/// Whose fault it is that no answer came.
fn problem(error: &(dyn Error + 'static)) -> Problem {
    if let Some(upload) = causes(error).find_map(|cause| cause.downcast_ref()) {
        return upload_problem(upload);
    }
    output::complain(format_args!(
        "no answer from the upstream: {}",
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
