//! Tests of the audit.

use http::Method;

use super::super::audit::AuditedRoute;
use super::super::route_policy::RoutePolicy;
use crate::inbound::config_error::ConfigErrorKind;
use crate::inbound::requirement::Requirement;

const ROUTES: [(Method, &str); 5] = [
    (Method::GET, "/health"),
    (Method::GET, "/v1/models"),
    (Method::GET, "/v1/models/{id}"),
    (Method::POST, "/v1/models/reload"),
    (Method::POST, "/v1/chat"),
];

#[test]
fn audit_reports_each_route() {
    let policy = RoutePolicy::new()
        .public(Method::GET, "/health")
        .unwrap()
        .optional_template(Method::GET, "/v1/models/{id}")
        .unwrap()
        .required_template(Method::POST, "/v1/chat", "chat:write".parse().unwrap())
        .unwrap();
    let audit = policy.audit(ROUTES).unwrap();
    assert_eq!(
        audit.to_string(),
        "GET /health: public (the path is listed)\n\
         GET /v1/models: needs a key (not listed)\n\
         GET /v1/models/{id}: a key is optional (the template is listed)\n\
         POST /v1/models/reload: needs a key (not listed)\n\
         POST /v1/chat: needs a key with chat:write (the template is listed)\n"
    );
    let open: Vec<_> = audit.open().map(AuditedRoute::path).collect();
    assert_eq!(open, ["/health", "/v1/models/{id}"]);
}

#[test]
fn audit_reports_entries_for_parts_of_routes() {
    let policy = RoutePolicy::new()
        .public(Method::GET, "/v1/models/free")
        .unwrap()
        .public(Method::HEAD, "/v1/models")
        .unwrap();
    let audit = policy.audit(ROUTES).unwrap();
    let open: Vec<_> = audit.open().map(ToString::to_string).collect();
    assert_eq!(
        open,
        [
            "HEAD /v1/models: public (the path is listed)",
            "GET /v1/models/free: public (the path is listed)",
        ]
    );
    assert_eq!(audit.iter().count(), ROUTES.len() + 2);
}

#[test]
fn audit_names_entries_without_a_route() {
    let policy = RoutePolicy::new()
        .public(Method::GET, "/healthz")
        .unwrap()
        .public(Method::GET, "/health")
        .unwrap()
        .public(Method::POST, "/v1/models")
        .unwrap()
        .public(Method::HEAD, "/v1/chat")
        .unwrap()
        // The router finds the route for POST here, and stops.
        .public(Method::GET, "/v1/models/reload")
        .unwrap()
        .required_template(Method::GET, "/v1/models/{name}", Requirement::new())
        .unwrap();
    let error = policy.audit(ROUTES).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::UnknownRoute);
    let named: Vec<_> = error
        .routes()
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    assert_eq!(
        named,
        [
            "GET /healthz",
            "HEAD /v1/chat",
            "POST /v1/models",
            "GET /v1/models/reload",
            "GET /v1/models/{name}",
        ]
    );
}

#[test]
fn audit_names_entries_that_head_bypasses() {
    let policy = |head: RoutePolicy| {
        head.required(Method::GET, "/v1/models", "models".parse().unwrap())
            .unwrap()
    };
    let open = policy(
        RoutePolicy::new()
            .public(Method::HEAD, "/v1/models")
            .unwrap(),
    );
    let error = open.audit(ROUTES).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::BypassedEntry);
    assert_eq!(error.routes().next(), Some((&Method::GET, "/v1/models")));

    let closed = policy(RoutePolicy::new().deny(Method::HEAD, "/v1/models").unwrap());
    closed.audit(ROUTES).unwrap();
}

#[test]
fn audit_knows_other_spellings_of_closed_paths() {
    let policy = RoutePolicy::new()
        .deny(Method::GET, "/v1/models/%40internal/")
        .unwrap()
        // The router finds the route for POST, but not for another spelling.
        .deny(Method::GET, "/v1/models/reload")
        .unwrap()
        .deny(Method::GET, "/health/")
        .unwrap();
    let audit = policy.audit(ROUTES).unwrap().to_string();
    let health = "GET /health: denied (another spelling of the request is listed)\n";
    assert!(audit.starts_with(health), "{audit}");
}

#[test]
fn audit_rejects_invalid_routes() {
    for path in ["", "health", "/{id"] {
        let error = RoutePolicy::new().audit([(Method::GET, path)]).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::InvalidRoute, "{path}");
    }
}

#[test]
fn ensure_closed_names_open_routes() {
    let closed = RoutePolicy::new().deny(Method::GET, "/health").unwrap();
    closed.audit(ROUTES).unwrap().ensure_closed().unwrap();

    let open = closed
        .optional(Method::GET, "/v1/models")
        .unwrap()
        .optional_lenient(Method::POST, "/v1/chat")
        .unwrap();
    let error = open.audit(ROUTES).unwrap().ensure_closed().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::OpenRoute);
    let open: Vec<_> = error.routes().map(|(_, path)| path).collect();
    assert_eq!(open, ["/v1/models", "/v1/chat"]);
}
