//! The application of a listener, which can be replaced between two requests.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;
use http::Request;

use crate::gateway::handler::{Answering, Handler};

/// An application that can be replaced. Clones share it.
#[derive(Clone)]
pub(crate) struct App(Arc<ArcSwap<Handler>>);

impl App {
    pub(crate) fn new(app: Handler) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(app)))
    }

    /// Serves all requests that come from now on, also those on open connections.
    pub(crate) fn replace(&self, app: Handler) {
        self.0.store(Arc::new(app));
    }

    pub(super) fn answer(&self, request: Request<Body>) -> Answering {
        self.0.load().answer(request)
    }
}
