//! The table of upstreams, by path.

use std::future::ready;
use std::sync::Arc;

use axum::body::Body;
use axum::response::IntoResponse as _;
use http::Request;

use super::open::OpenUpstream;
use crate::gateway::access::Record;
use crate::gateway::error_response::Problem;
use crate::gateway::handler::Answering;

/// The upstreams of a gateway.
#[derive(Clone)]
pub(crate) struct Upstreams(Arc<[Arc<OpenUpstream>]>);

impl Upstreams {
    /// Creates the table. The upstream with the longest path that a request's path is under gets
    /// the request.
    pub(crate) fn new(mut all: Vec<Arc<OpenUpstream>>) -> Self {
        all.sort_by_key(|upstream| std::cmp::Reverse(upstream.base().prefix().len()));
        Self(all.into())
    }

    pub(crate) fn answer(&self, request: Request<Body>) -> Answering {
        let extensions = request.extensions();
        if let (Some(record), Some(principal)) = (extensions.get::<Record>(), extensions.get()) {
            record.authenticated(principal);
        }
        let path = request.uri().path();
        match self.0.iter().find(|upstream| upstream.base().serves(path)) {
            Some(upstream) => upstream.answer(request),
            None => Box::pin(ready(Problem::NoUpstream.into_response())),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<OpenUpstream>> {
        self.0.iter()
    }
}
