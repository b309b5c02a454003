//! The audit log: one type of event for both halves and key rings.

mod actions;
mod admission;
mod file;
mod flood;
mod hour;
mod metrics;
mod secrecy;
mod sinks;
mod text;
mod upstream;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::mpsc::{Receiver, channel};

use http::{Request, Response};
use serde_json::Value;
use tower::util::ServiceFn;
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::audit::AuditLog;
use tower_rotating_auth::inbound::{RequestBody, RequireKeyLayer};

/// The lines that a subscriber gets.
pub(super) struct Lines(Receiver<String>);

impl Lines {
    /// Waits until the log has ended, and returns all lines.
    pub(super) fn all(self) -> Vec<String> {
        self.0.into_iter().collect()
    }

    /// Waits until the log has ended, and returns all lines as JSON.
    pub(super) fn json(self) -> Vec<Value> {
        let lines = self.all();
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Returns a log, and its lines.
pub(super) fn audit() -> (AuditLog, Lines) {
    let (sender, lines) = channel();
    let audit = AuditLog::new(move |event| drop(sender.send(event.to_json())));
    (audit, Lines(lines))
}

type Handler = fn(Request<RequestBody<String>>) -> Ready<Result<Response<String>, Infallible>>;

/// Returns the status of a request through a layer.
pub(super) async fn status(layer: &RequireKeyLayer, request: Request<String>) -> u16 {
    let handler: ServiceFn<Handler> = service_fn(|_| ready(Ok(Response::default())));
    let response = layer.layer(handler).oneshot(request).await.unwrap();
    response.status().as_u16()
}

/// Returns a request with a token and an id.
pub(super) fn with(uri: &str, token: &str, id: &str) -> Request<String> {
    Request::get(uri)
        .header("authorization", format!("Bearer {token}"))
        .header("x-request-id", id)
        .body(String::new())
        .unwrap()
}

/// Sums what lines of an event and a reason, and the counts for it, stand for.
pub(super) fn sum(lines: &[Value], event: &str, reason: &str) -> u64 {
    let is_counted =
        |line: &&Value| (line["event"] == event || line["of"] == event) && line["reason"] == reason;
    let counted = lines.iter().filter(is_counted);
    counted
        .map(|line| line["count"].as_u64().unwrap_or(1))
        .sum()
}
