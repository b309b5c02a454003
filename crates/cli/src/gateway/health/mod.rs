//! Health endpoints. They need no key and reveal none.

mod config_status;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::routing::get;
use axum::{Extension, Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use tower_rotating_auth::{
    Rotating,
    rotating::{RefreshState, Status},
};

pub(crate) use self::config_status::{CONFIG, ConfigStatus, Load, Reloads};
use super::access::Probe;
use super::error_response::Problem;
use super::handler::Handler;
use super::proxy::answers::{Answers, Callers};
use crate::output;

const HEALTHZ: &str = "/healthz";
const READYZ: &str = "/readyz";

/// Reads the condition of one rotating value.
pub(crate) type Source = Box<dyn Fn() -> Condition + Send + Sync>;

/// The condition of a rotating value.
pub(crate) struct Condition {
    pub(crate) status: Status,
    /// How long its refreshes have failed, and how long requests are served meanwhile, if that has
    /// an end.
    pub(crate) failing: Option<(Duration, Duration)>,
}

/// The facts of an upstream.
pub(crate) struct UpstreamHealth {
    /// `None` if there is one upstream, which options describe.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) key: Source,
    pub(crate) answers: Answers,
}

/// The facts behind the readiness of a gateway.
pub(crate) struct Health {
    pub(crate) upstreams: Vec<UpstreamHealth>,
    /// The other rotating values, which all requests need.
    pub(crate) others: Vec<Source>,
    /// Reads how many clients there are.
    pub(crate) callers: Box<dyn Fn() -> Callers + Send + Sync>,
    /// The state of the configuration file, if there is one.
    pub(crate) config: Option<ConfigStatus>,
    /// True once a signal to stop has arrived.
    pub(crate) stopping: watch::Receiver<bool>,
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
pub(crate) fn routes(health: Health) -> Router {
    let health = Arc::new(health);
    let ready = move || health.ready(SystemTime::now());
    Router::new()
        .route(
            HEALTHZ,
            get(async || (Extension(Probe), Json(json!({ "status": "ok" })))),
        )
        .route(READYZ, get(async move || (Extension(Probe), ready())))
        .method_not_allowed_fallback(async || Problem::Method)
}

/// Serves the routes of [`routes`] by `health`, and all others by `app`.
pub(crate) fn in_front_of(app: Handler, health: Handler) -> Handler {
    Handler::new(move |request| match request.uri().path() {
        HEALTHZ | READYZ => health.answer(request),
        _ => app.answer(request),
    })
}

impl Health {
    /// Says whether requests would succeed: with all upstreams, with some, or with none.
    fn ready(&self, now: SystemTime) -> (StatusCode, Json<Value>) {
        let others: Vec<_> = self.others.iter().map(|source| source()).collect();
        let callers = (self.callers)();
        let upstreams: Vec<_> = self
            .upstreams
            .iter()
            .map(|upstream| upstream.condition(callers, now))
            .collect();
        let usable = upstreams.iter().filter(|upstream| upstream.is_usable);
        let usable = usable.count();
        let status = if *self.stopping.borrow() {
            "stopping"
        } else if usable == 0 || others.iter().any(|source| !source.is_usable(now)) {
            "not ready"
        } else if usable < upstreams.len() {
            "degraded"
        } else {
            "ready"
        };
        let code = match status {
            "not ready" | "stopping" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        };
        let keys = upstreams.iter().map(|upstream| &upstream.key);
        let sources: Vec<_> = keys.chain(&others).map(|source| source.json(now)).collect();
        let upstreams: Vec<_> = upstreams
            .iter()
            .map(|upstream| {
                json!({
                    "name": upstream.name,
                    "usable": upstream.is_usable,
                    "failures": upstream.failures,
                })
            })
            .collect();
        let body = json!({
            "status": status,
            "sources": sources,
            "upstreams": upstreams,
            "config": self.config.as_ref().map(ConfigStatus::json),
            "dropped_log_lines": output::dropped_lines(),
        });
        (code, Json(body))
    }
}

/// The condition of an upstream.
struct UpstreamCondition<'a> {
    name: Option<&'a str>,
    key: Condition,
    is_usable: bool,
    /// Requests in a row that it rejected, or did not answer.
    failures: u32,
}

impl UpstreamHealth {
    fn condition(&self, callers: Callers, now: SystemTime) -> UpstreamCondition<'_> {
        let (key, record) = ((self.key)(), self.answers.record());
        UpstreamCondition {
            name: self.name.as_deref(),
            is_usable: key.is_usable(now) && !record.is_failing(callers, Instant::now()),
            key,
            failures: record.failures,
        }
    }
}

impl Condition {
    /// Returns whether requests are served with the value, and something keeps it current.
    fn is_usable(&self, now: SystemTime) -> bool {
        let is_current = self.status.expires_at.is_none_or(|expiry| now < expiry);
        let is_stale = self.failing.is_some_and(|(since, limit)| since > limit);
        is_current && !is_stale && self.status.refresh_state != RefreshState::Stopped
    }

    fn json(&self, now: SystemTime) -> Value {
        let usable = self.is_usable(now);
        let status = &self.status;
        json!({
            "name": &*status.name,
            "usable": usable,
            "generation": status.generation.get(),
            "age_seconds": status.age.as_secs_f64(),
            "last_error": status.last_error.map(|class| class.to_string()),
            "failures": status.failures,
        })
    }
}
