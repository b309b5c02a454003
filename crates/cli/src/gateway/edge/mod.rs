//! Checks of a request before its client is known.

pub(super) mod cors;
mod local;
mod request_head;

use axum::Router;
use axum::body::Body;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request};

use super::access::AccessLog;
use super::error_response::Problem;
use super::proxy::headers::Via;
use super::proxy::upgrade::Upgrade;

/// Refuses requests that servers could read differently, and those that were here before. Logs each
/// request.
pub(super) fn check_heads(app: Router, via: Via, fields: usize, log: AccessLog) -> Router {
    app.layer(from_fn(move |mut request: Request<Body>, next: Next| {
        let begun = log.begin(&mut request);
        let (mut head, body) = request.into_parts();
        let checked = request_head::check(&head, &via, fields)
            .and_then(|()| Upgrade::take(&mut head))
            .map(|upgrade| upgrade.map(|upgrade| head.extensions.insert(upgrade)));
        async move {
            begun.answered(match checked {
                Ok(_) => next.run(Request::from_parts(head, body)).await,
                Err(problem) => problem.into_response(),
            })
        }
    }))
}

/// Refuses requests that do not come from this machine, or from a page of an `allowed` origin.
pub(super) fn only_local(app: Router, allowed: Vec<HeaderValue>) -> Router {
    app.layer(from_fn(move |request: Request<Body>, next: Next| {
        let (head, body) = request.into_parts();
        let is_local = local::is_local(&head, &allowed);
        async move {
            if is_local {
                next.run(Request::from_parts(head, body)).await
            } else {
                refused()
            }
        }
    }))
}

fn refused() -> Response {
    Problem::Foreign.into_response()
}
