//! The access log: a line for each request, once its response has ended.

mod facts;
mod line;
mod record;
mod request_id;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::USER_AGENT;
use http::{HeaderValue, Request};
use tokio::time::Instant;
use tower_rotating_auth::inbound::{AuthError, PeerAddr};

use self::facts::Asked;
pub(crate) use self::record::Record;
use self::record::TARGET;
use self::request_id::{REQUEST_ID, RequestIds};
use crate::output::log::{LogFormat, format};

/// How many headers the gateway adds to a request.
const ADDED: usize = 4;

/// Gives each request an id, and begins its line.
#[derive(Clone, Debug)]
pub(crate) struct AccessLog {
    ids: Arc<RequestIds>,
    /// The format, if there is a log of requests.
    format: Option<LogFormat>,
}

/// A request that was begun.
pub(crate) struct Begun {
    id: HeaderValue,
    record: Option<Record>,
}

/// Marks the response to a probe, whose line is for debugging.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe;

impl AccessLog {
    /// `number` is random, and makes the ids of this process its own.
    pub(crate) fn new(number: u64) -> Self {
        let is_on = tracing::enabled!(target: TARGET, tracing::Level::INFO);
        Self {
            ids: Arc::new(RequestIds::new(number)),
            format: format().filter(|_| is_on),
        }
    }

    /// Takes over the request's id, if it is valid, or sets one. The upstream gets it as well.
    pub(crate) fn begin(&self, request: &mut Request<Body>) -> Begun {
        // For what the gateway adds: this id, `Via`, the key and `Host`. The map would grow twice.
        request.headers_mut().reserve(ADDED);
        let id = match request_id::valid(request.headers()) {
            Some(id) => id.clone(),
            None => {
                let id = self.ids.next();
                request.headers_mut().insert(REQUEST_ID, id.clone());
                id
            }
        };
        let record = self.format.map(|format| {
            let peer = request.extensions().get().map(|PeerAddr(peer)| peer.ip());
            let record = Record::new(Asked {
                format,
                since: Instant::now(),
                method: request.method().clone(),
                uri: request.uri().clone(),
                peer,
                user_agent: request.headers().get(USER_AGENT).cloned(),
                id: id.clone(),
            });
            request.extensions_mut().insert(record.clone());
            record
        });
        Begun { id, record }
    }
}

impl Begun {
    /// Notes the head of the response. The line is written when its body ends.
    pub(crate) fn answered(self, mut response: Response) -> Response {
        if !response.headers().contains_key(REQUEST_ID) {
            response.headers_mut().insert(REQUEST_ID, self.id);
        }
        if let Some(record) = self.record {
            let extensions = response.extensions();
            let (error, is_probe) = (extensions.get::<AuthError>(), extensions.get::<Probe>());
            record.answered(response.status(), error, is_probe.is_some());
            response.extensions_mut().insert(record);
        }
        response
    }
}
