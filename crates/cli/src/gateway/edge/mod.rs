//! Checks of a request before its client is known.

pub(super) mod cors;
mod local;
mod request_head;

use std::future::ready;

use axum::body::{Body, HttpBody as _};
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Request};

use super::access::AccessLog;
use super::error_response::Problem;
use super::handler::Handler;
use super::proxy::headers::Via;
use super::proxy::upgrade::Upgrade;

/// Refuses requests that servers could read differently, and those that were here before. Logs each
/// request.
pub(super) fn check_heads(app: Handler, via: Via, fields: usize, log: AccessLog) -> Handler {
    Handler::new(move |mut request: Request<Body>| {
        let begun = log.begin(&mut request);
        let (mut head, body) = request.into_parts();
        let method = head.method.clone();
        let checked = request_head::check(&head, &via, fields)
            .and_then(|()| Upgrade::take(&mut head))
            .map(|upgrade| upgrade.map(|upgrade| head.extensions.insert(upgrade)));
        let answer = checked.map(|_| app.answer(Request::from_parts(head, body)));
        Box::pin(async move {
            let response = match answer {
                Ok(answer) => answer.await,
                Err(problem) => problem.into_response(),
            };
            framed(&method, begun.answered(response))
        })
    })
}

/// Sets the length of a response, and takes the content off one to HEAD.
fn framed(method: &Method, mut response: Response) -> Response {
    if method == Method::CONNECT {
        return response; // a successful one has no length (RFC 9110 §9.3.6)
    }
    if let Some(length) = response.body().size_hint().exact() {
        let headers = response.headers_mut();
        if !headers.contains_key(CONTENT_LENGTH) {
            headers.insert(CONTENT_LENGTH, length.into());
        }
    }
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

/// Refuses requests that do not come from this machine, or from a page of an `allowed` origin.
pub(super) fn only_local(app: Handler, allowed: Vec<HeaderValue>) -> Handler {
    Handler::new(move |request: Request<Body>| {
        let (head, body) = request.into_parts();
        if local::is_local(&head, &allowed) {
            app.answer(Request::from_parts(head, body))
        } else {
            Box::pin(ready(Problem::Foreign.into_response()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_response_keeps_only_its_length() {
        for (method, length, content) in [
            (Method::GET, Some("4"), Some(4)),
            (Method::HEAD, Some("4"), Some(0)),
            (Method::CONNECT, None, Some(4)),
        ] {
            let response = framed(&method, Response::new(Body::from("text")));
            let found = response.headers().get(CONTENT_LENGTH);
            let found = found.map(|length| length.to_str().unwrap());
            assert_eq!(found, length, "{method}");
            assert_eq!(response.body().size_hint().exact(), content, "{method}");
        }
    }
}
