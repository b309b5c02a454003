//! Metrics for Prometheus.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::error::Error;

/// The content type of Prometheus's text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The metrics of the process.
#[derive(Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Records metrics from now on. Call it before keys are read.
    pub(crate) fn install() -> Result<Self, Error> {
        let handle = PrometheusBuilder::new()
            .install_recorder()
            .map_err(|error| Error::start(format!("cannot record metrics: {error}")))?;
        tower_rotating_auth::metrics::describe();
        Ok(Self(handle))
    }

    /// Serves `/metrics`. `before` sets what depends on the time.
    pub(crate) fn routes(&self, before: impl Fn() + Send + Sync + 'static) -> Router {
        let (handle, before) = (self.0.clone(), Arc::new(before));
        let render = async move || {
            before();
            ([(CONTENT_TYPE, TEXT)], handle.render())
        };
        Router::new().route("/metrics", get(render))
    }
}
