//! Health endpoints. They need no key and reveal none.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating,
    rotating::{RefreshState, Status},
};

use super::error_response::Problem;
use super::proxy::answers::{Answers, Record};
use crate::output;

/// Reads the condition of one rotating value.
pub(crate) type Source = Box<dyn Fn() -> Condition + Send + Sync>;

/// The condition of a rotating value.
pub(crate) struct Condition {
    pub(crate) status: Status,
    /// How long its refreshes have failed, and how long requests are served meanwhile, if that has
    /// an end.
    pub(crate) failing: Option<(Duration, Duration)>,
}

/// Returns the source of a rotating value's status.
pub(crate) fn source<T: Send + Sync + 'static>(rotating: &Rotating<T>) -> Source {
    let rotating = rotating.clone();
    Box::new(move || Condition {
        status: rotating.status(),
        failing: None,
    })
}

/// Serves `/healthz` (the process is alive) and `/readyz` (a request with a valid key would
/// succeed).
pub(crate) fn routes(sources: Vec<Source>, answers: Answers) -> Router {
    let sources: Arc<[Source]> = sources.into();
    let ready = move || {
        let conditions: Vec<_> = sources.iter().map(|condition| condition()).collect();
        ready(&conditions, answers.record(), SystemTime::now())
    };
    Router::new()
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .route("/readyz", get(async move || ready()))
        .method_not_allowed_fallback(async || Problem::Method)
}

fn ready(sources: &[Condition], upstream: Record, now: SystemTime) -> (StatusCode, Json<Value>) {
    let answers = !upstream.is_failing(Instant::now());
    let (code, status) = if answers && sources.iter().all(|source| source.is_usable(now)) {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    let sources: Vec<_> = sources
        .iter()
        .map(|source| {
            let usable = source.is_usable(now);
            let source = &source.status;
            json!({
                "name": &*source.name,
                "usable": usable,
                "generation": source.generation.get(),
                "age_seconds": source.age.as_secs_f64(),
                "last_error": source.last_error.map(|class| class.to_string()),
                "failures": source.failures,
            })
        })
        .collect();
    let body = json!({
        "status": status,
        "sources": sources,
        "upstream": { "usable": answers, "failures": upstream.failures },
        "dropped_log_lines": output::dropped_lines(),
    });
    (code, Json(body))
}

impl Condition {
    /// Returns whether requests are served with the value, and something keeps it current.
    fn is_usable(&self, now: SystemTime) -> bool {
        let is_current = self.status.expires_at.is_none_or(|expiry| now < expiry);
        let is_stale = self.failing.is_some_and(|(since, limit)| since > limit);
        is_current && !is_stale && self.status.refresh_state != RefreshState::Stopped
    }
}
