//! The application of a listener, which can be replaced between two requests.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;

/// An application that can be replaced. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct App(Arc<ArcSwap<Router>>);

impl App {
    pub(crate) fn new(app: Router) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(app)))
    }

    /// Serves all requests that come from now on, also those on open connections.
    pub(crate) fn replace(&self, app: Router) {
        self.0.store(Arc::new(app));
    }

    pub(super) fn current(&self) -> Router {
        Router::clone(&self.0.load())
    }
}
