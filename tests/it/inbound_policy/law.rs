//! What holds of every request, in front of a real router: whoever is served without a key is
//! served by the very route that the policies name, however the path is read.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use futures_util::FutureExt;
use http::{Method, Uri};
use tower::ServiceExt;
use tower_rotating_auth::inbound::policy::{Audit, Decision, DecisionReason, RoutePolicy};

use super::model::decode;

pub(super) type Route = (Method, String);

/// Which handler answered.
#[derive(Clone, Debug, PartialEq)]
struct Answered(Route);

/// A router whose responses tell what the policies say of the request, in the place where a layer
/// would ask.
pub(super) fn gated(router: Router, policies: RoutePolicy) -> Router {
    let gate = from_fn(move |request: Request, next: Next| {
        let template = request.extensions().get::<MatchedPath>();
        let template = template.map(MatchedPath::as_str);
        let decision = policies.explain(request.method(), request.uri().path(), template);
        async move {
            let mut response = next.run(request).await;
            response.extensions_mut().insert(decision);
            response
        }
    });
    router.layer(gate)
}

/// A router with a handler for each route, gated by the policies.
pub(super) struct Gated {
    router: Router,
    audit: Audit,
}

impl Gated {
    /// The policies are those that pass the audit.
    pub(super) fn new(routes: &[Route], policies: RoutePolicy) -> Self {
        let listed = routes
            .iter()
            .map(|(method, path)| (method.clone(), &**path));
        let audit = policies.audit(listed).unwrap();
        let mut router = Router::new();
        for (method, path) in routes {
            let answered = Answered((method.clone(), path.clone()));
            let filter = MethodFilter::try_from(method.clone()).unwrap();
            router = router.route(path, on(filter, async move || Extension(answered)));
        }
        Self {
            router: gated(router, policies),
            audit,
        }
    }

    fn send(&self, method: &Method, uri: Uri) -> Response {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri;
        let answer = self.router.clone().oneshot(request);
        answer.now_or_never().unwrap().unwrap()
    }

    /// Asserts the law for one request, and returns what was decided; `None` where the path cannot
    /// be sent.
    pub(super) fn assert_law(&self, method: &Method, path: &str) -> Option<Decision> {
        let uri = on_wire(path.as_bytes())?;
        let path = uri.path();
        let response = self.send(method, uri.clone());
        let decision: Decision = response.extensions().get().cloned().unwrap();
        let answered: Option<Answered> = response.extensions().get().cloned();
        if decision.access().is_open() {
            assert!(answered.is_some(), "open, and no route: {method} {path}");
            for reading in readings(path) {
                let response = self.send(method, on_wire(&reading).unwrap());
                let other: Option<Answered> = response.extensions().get().cloned();
                let reading = String::from_utf8_lossy(&reading);
                assert_eq!(other, answered, "{method} {path}, read as {reading}");
            }
        }
        if let Some(Answered(route)) = answered {
            self.assert_was_told(method, path, &route, &decision);
        }
        Some(decision)
    }

    /// The audit told what would be asked: of the path itself, or of the route.
    fn assert_was_told(&self, method: &Method, path: &str, route: &Route, decision: &Decision) {
        let of_path = [
            DecisionReason::SuspiciousPath,
            DecisionReason::OtherSpelling,
        ];
        if of_path.contains(&decision.reason()) {
            return;
        }
        let find = |method: &Method, path: &str| {
            let same = self
                .audit
                .iter()
                .find(|it| it.method() == method && it.path() == path);
            same.map(|it| it.decision().clone())
        };
        let wanted = match decision.reason() {
            DecisionReason::Exact => path,
            _ => &*route.1,
        };
        let audited = find(method, wanted).or_else(|| find(&route.0, wanted));
        assert_eq!(audited.as_ref(), Some(decision), "{method} {path}");
    }
}

/// As hyper takes it off the wire.
pub(super) fn on_wire(path: &[u8]) -> Option<Uri> {
    Uri::builder().path_and_query(path).build().ok()
}

/// The path of a reference that begins with a host, as `new URL(path, base)` reads it.
fn without_host(path: &[u8]) -> Vec<u8> {
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    match path {
        [first, second, rest @ ..] if is_slash(first) && is_slash(second) => {
            let host = rest.iter().take_while(|byte| !is_slash(byte)).count();
            let path = &rest[host..];
            if path.is_empty() {
                b"/".to_vec()
            } else {
                path.to_vec()
            }
        }
        _ => path.to_vec(),
    }
}

/// A path as others may read it: decoded, decoded twice, tidied up, and all of it again.
pub(super) fn readings(path: &str) -> BTreeSet<Vec<u8>> {
    let mut readings = BTreeSet::from([path.as_bytes().to_vec()]);
    for _ in 0..3 {
        let more: Vec<_> = readings
            .iter()
            .flat_map(|path| {
                [
                    decode(path),
                    without_host(path),
                    each_segment(path, |segment| Some(until(segment, b";"))),
                    each_segment(path, |segment| (!segment.is_empty()).then_some(segment)),
                    each_segment(path, |segment| Some(segment.trim_ascii_end())),
                    each_segment(path, without_dots_at_end),
                    resolved(path),
                    until(path, b"?#\0").to_vec(),
                    path.iter()
                        .map(|&byte| if byte == b'\\' { b'/' } else { byte })
                        .collect(),
                ]
            })
            .collect();
        readings.extend(more);
    }
    readings.into_iter().map(|path| sendable(&path)).collect()
}

fn until<'a>(bytes: &'a [u8], ends: &[u8]) -> &'a [u8] {
    bytes.split(|byte| ends.contains(byte)).next().unwrap()
}

fn without_dots_at_end(segment: &[u8]) -> Option<&[u8]> {
    let end = segment.iter().rposition(|&byte| byte != b'.');
    Some(&segment[..end.map_or(0, |last| last + 1)])
}

/// What becomes of the path when something is done to its segments; a slash at its end stays.
fn each_segment(path: &[u8], change: impl Fn(&[u8]) -> Option<&[u8]>) -> Vec<u8> {
    let segments = path.split(|&byte| byte == b'/').filter_map(change);
    let changed: Vec<u8> = segments.collect::<Vec<_>>().join(&b'/');
    let slash = |there: bool| if there { &b"/"[..] } else { b"" };
    let trimmed = changed.strip_prefix(b"/").unwrap_or(&changed);
    let at_end = path.len() > 1 && path.ends_with(b"/") && !trimmed.ends_with(b"/");
    [b"/", trimmed, slash(at_end)].concat()
}

fn resolved(path: &[u8]) -> Vec<u8> {
    let mut stack: Vec<&[u8]> = vec![];
    for segment in path.split(|&byte| byte == b'/').skip(1) {
        match segment {
            b"." => {}
            b".." => drop(stack.pop()),
            other => stack.push(other),
        }
    }
    [b"/", &*stack.join(&b'/')].concat()
}

fn sendable(path: &[u8]) -> Vec<u8> {
    let mut sendable = vec![];
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte) {
            sendable.push(byte);
        } else {
            sendable.extend(format!("%{byte:02X}").into_bytes());
        }
    }
    sendable
}
