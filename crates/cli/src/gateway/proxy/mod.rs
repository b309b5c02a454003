//! Forwarding: from a client's request to the upstream's response.

pub(super) mod address;
pub(super) mod admission;
pub(super) mod answers;
pub(super) mod attempts;
pub(super) mod body;
pub(super) mod client;
mod connector;
mod dropped;
pub(super) mod headers;
mod shares;
mod target;
pub(super) mod trusted_ca;
pub(super) mod upgrade;

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::Request;
use tokio::time::Instant;
use tower::{BoxError, Service, ServiceExt};
use tower_rotating_auth::inbound::Principal;

use self::admission::{Admission, Who};
use self::answers::Caller;
use self::attempts::{Attempts, SentKeys};
use self::body::idle_timeout::Progress;
use self::body::upload::{Upload, UploadError};
pub(super) use self::dropped::Reports;
pub(super) use self::target::Target;
use self::upgrade::{Client, Upgrade};
use super::access::Record;
use super::error_response::Problem;
use crate::error::{causes, chain};
use crate::output;

/// Forwards requests through a service that injects the key.
pub(crate) struct Proxy<S> {
    service: S,
    admission: Admission,
    target: Arc<Target>,
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

    /// Returns the response. An `async` block would keep the future that it awaits twice.
    pub(crate) fn answer(
        self: Arc<Self>,
        request: Request<Body>,
    ) -> impl Future<Output = Response> + use<S, B> {
        let answer = self.forward(request);
        answer.map(|answer| answer.unwrap_or_else(IntoResponse::into_response))
    }

    async fn forward(self: Arc<Self>, mut request: Request<Body>) -> Result<Response, Problem> {
        let caller = caller(&request);
        let who = match &caller {
            Some(client) => Who::Client(client.clone()),
            None => {
                let peer = request.extensions().get().copied();
                self.admission.address(peer, request.headers())
            }
        };
        let permit = self.admission.admit(who, &self.target.label)?;
        let method = request.method().clone();
        let progress = Progress::new(Instant::now());
        let sent = SentKeys::default();
        let record = request.extensions_mut().remove::<Record>();
        if let Some(record) = &record {
            record.forwarded(&self.target.label);
        }
        let asked = request.extensions_mut().remove::<Upgrade>();
        let client = asked
            .is_some()
            .then(|| Client::take(&mut request, record.clone()));
        let (mut request, handshake) = self.target.rewrite(request, asked, &progress)?;
        request.extensions_mut().insert(Attempts {
            progress: progress.clone(),
            sent: sent.clone(),
        });
        let answer = {
            let sending = pin!(self.service.clone().oneshot(request));
            progress.wait(self.target.patience, sending).await
        };
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
        self.target.answers.note(outcome, &caller, Instant::now());
        answer
    }
}

/// Returns the client of a request, if it has a key.
fn caller(request: &Request<Body>) -> Caller {
    let principal = request.extensions().get::<Principal>();
    let key = principal.and_then(Principal::key);
    key.map(|key| key.client().clone())
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
