//! Tests of decisions.

mod audit;

use http::Method;

use super::access::Access;
use super::decision::DecisionReason;
use super::route_policy::RoutePolicy;
use crate::inbound::requirement::Requirement;

const KEY: &str = "needs a key";

fn scopes(scopes: &str) -> Requirement {
    scopes.parse().unwrap()
}

/// Asserts the decisions for requests, written `METHOD path` or `METHOD path < template`.
fn assert_decisions(policy: &RoutePolicy, cases: &[(&str, &str, DecisionReason)]) {
    for &(request, asked, why) in cases {
        let (request, template) = match request.split_once(" < ") {
            Some((request, template)) => (request, Some(template)),
            None => (request, None),
        };
        let (method, path) = request.split_once(' ').unwrap();
        let method = method.parse().unwrap();
        let decision = policy.explain(&method, path, template);
        assert_eq!(decision.access().to_string(), asked, "{request}");
        assert_eq!(decision.reason(), why, "{request}");
        assert_eq!(*policy.access(&method, path, template), *decision.access());
    }
}

#[test]
fn entry_matches_one_method_and_one_path() {
    let policy = RoutePolicy::new()
        .public(Method::GET, "/health")
        .unwrap()
        .optional(Method::GET, "/v1/models")
        .unwrap()
        .optional_lenient(Method::GET, "/v1/usage")
        .unwrap()
        .required(Method::POST, "/v1/chat", scopes("chat:write"))
        .unwrap()
        .deny(Method::POST, "/admin")
        .unwrap();
    assert_decisions(
        &policy,
        &[
            ("GET /health", "public", DecisionReason::Exact),
            ("GET /v1/models", "a key is optional", DecisionReason::Exact),
            (
                "GET /v1/usage",
                "a key is optional, a bad one counts as none",
                DecisionReason::Exact,
            ),
            (
                "POST /v1/chat",
                "needs a key with chat:write",
                DecisionReason::Exact,
            ),
            ("POST /admin", "denied", DecisionReason::Exact),
            ("GET /v1/chat", KEY, DecisionReason::Unlisted),
            ("GET /admin", KEY, DecisionReason::Unlisted),
            // Another method, or one that only looks the same.
            ("POST /health", KEY, DecisionReason::Unlisted),
            ("OPTIONS /health", KEY, DecisionReason::Unlisted),
            ("get /health", KEY, DecisionReason::Unlisted),
            // Never a prefix, a suffix, another case or a trimmed path.
            ("GET /health/", KEY, DecisionReason::Unlisted),
            ("GET /healthz", KEY, DecisionReason::Unlisted),
            ("GET /health/internal", KEY, DecisionReason::Unlisted),
            ("GET /admin/health", KEY, DecisionReason::Unlisted),
            ("GET /HEALTH", KEY, DecisionReason::Unlisted),
            ("GET /secret.health", KEY, DecisionReason::Unlisted),
            ("GET /", KEY, DecisionReason::Unlisted),
            // Not the path of a request.
            ("GET health", KEY, DecisionReason::SuspiciousPath),
            ("GET ", KEY, DecisionReason::SuspiciousPath),
            ("OPTIONS *", KEY, DecisionReason::SuspiciousPath),
            ("GET /health?a=b", KEY, DecisionReason::SuspiciousPath),
        ],
    );
}

#[test]
fn root_matches_only_itself() {
    let policy = RoutePolicy::new().public(Method::GET, "/").unwrap();
    assert_decisions(
        &policy,
        &[
            ("GET /", "public", DecisionReason::Exact),
            ("GET /a", KEY, DecisionReason::Unlisted),
            ("GET //", KEY, DecisionReason::SuspiciousPath),
        ],
    );
}

#[test]
fn template_matches_what_the_router_matched() {
    let policy = RoutePolicy::new()
        .optional_template(Method::GET, "/v1/models/{id}")
        .unwrap()
        .required_template(Method::DELETE, "/v1/models/{id}", scopes("models:admin"))
        .unwrap()
        .deny(Method::GET, "/v1/models/internal")
        .unwrap();
    assert_decisions(
        &policy,
        &[
            (
                "GET /v1/models/a < /v1/models/{id}",
                "a key is optional",
                DecisionReason::Template,
            ),
            (
                "DELETE /v1/models/a < /v1/models/{id}",
                "needs a key with models:admin",
                DecisionReason::Template,
            ),
            ("GET /v1/models/a", KEY, DecisionReason::Unlisted),
            ("GET /v1/models/{id}", KEY, DecisionReason::SuspiciousPath),
            (
                "GET /v1/models/a < /v1/models/{name}",
                KEY,
                DecisionReason::Unlisted,
            ),
            (
                "POST /v1/models/a < /v1/models/{id}",
                KEY,
                DecisionReason::Unlisted,
            ),
            // An entry for the path takes precedence.
            (
                "GET /v1/models/internal < /v1/models/{id}",
                "denied",
                DecisionReason::Exact,
            ),
        ],
    );
}

#[test]
fn suspicious_path_is_never_exempt() {
    let policy = RoutePolicy::new()
        .public(Method::GET, "/health")
        .unwrap()
        .public_template(Method::GET, "/static/{*path}")
        .unwrap()
        .optional_template(Method::GET, "/models/{id}")
        .unwrap()
        .optional_lenient_template(Method::GET, "/users/{id}")
        .unwrap();
    assert_decisions(
        &policy,
        &[
            (
                "GET /static/a/b.css < /static/{*path}",
                "public",
                DecisionReason::Template,
            ),
            (
                "GET /static/../admin < /static/{*path}",
                KEY,
                DecisionReason::SuspiciousPath,
            ),
            (
                "GET /static/%2e%2e/admin < /static/{*path}",
                KEY,
                DecisionReason::SuspiciousPath,
            ),
            (
                "GET /static/..%2fadmin < /static/{*path}",
                KEY,
                DecisionReason::SuspiciousPath,
            ),
            (
                "GET /static/..%5cadmin < /static/{*path}",
                KEY,
                DecisionReason::SuspiciousPath,
            ),
            (
                "GET /static//admin < /static/{*path}",
                KEY,
                DecisionReason::SuspiciousPath,
            ),
            (
                "GET /static/..;/admin < /static/{*path}",
                KEY,
                DecisionReason::SuspiciousPath,
            ),
            (
                "GET /static/%252e%252e/admin < /static/{*path}",
                KEY,
                DecisionReason::SuspiciousPath,
            ),
            (
                "GET /models/a%2fb < /models/{id}",
                KEY,
                DecisionReason::SuspiciousPath,
            ),
            (
                "GET /users/a. < /users/{id}",
                KEY,
                DecisionReason::SuspiciousPath,
            ),
            ("GET /%68ealth", KEY, DecisionReason::SuspiciousPath),
            ("GET //health", KEY, DecisionReason::SuspiciousPath),
            ("GET /health%2f", KEY, DecisionReason::SuspiciousPath),
        ],
    );
    let shut = RoutePolicy::deny_unlisted()
        .public_template(Method::GET, "/static/{*path}")
        .unwrap();
    let odd = "GET /static//admin < /static/{*path}";
    assert_decisions(&shut, &[(odd, "denied", DecisionReason::SuspiciousPath)]);
}

#[test]
fn suspicious_path_still_matches_closed_templates() {
    let policy = RoutePolicy::new()
        .required_template(Method::DELETE, "/models/{id}", scopes("models:admin"))
        .unwrap()
        .deny_template(Method::GET, "/files/{*path}")
        .unwrap();
    assert_decisions(
        &policy,
        &[
            (
                "DELETE /models/meta%2fllama < /models/{id}",
                "needs a key with models:admin",
                DecisionReason::Template,
            ),
            (
                "GET /files/a//b < /files/{*path}",
                "denied",
                DecisionReason::Template,
            ),
        ],
    );
}

#[test]
fn deny_unlisted_closes_unlisted_routes() {
    let policy = RoutePolicy::deny_unlisted()
        .required(Method::POST, "/v1/chat", Requirement::new())
        .unwrap();
    assert_decisions(
        &policy,
        &[
            ("POST /v1/chat", KEY, DecisionReason::Exact),
            ("GET /v1/chat", "denied", DecisionReason::Unlisted),
            ("POST /v1/chat/", "denied", DecisionReason::Unlisted),
        ],
    );
    assert_decisions(
        &RoutePolicy::default(),
        &[("GET /", KEY, DecisionReason::Unlisted)],
    );
}

#[test]
fn get_entry_also_matches_head() {
    let policy = RoutePolicy::new()
        .public(Method::GET, "/health")
        .unwrap()
        .required(Method::GET, "/admin", scopes("admin"))
        .unwrap()
        .deny_template(Method::GET, "/logs/{day}")
        .unwrap()
        .required(Method::GET, "/v2", Requirement::new())
        .unwrap()
        .public(Method::HEAD, "/v2")
        .unwrap()
        .public_template(Method::HEAD, "/blobs/{id}")
        .unwrap()
        .deny(Method::GET, "/blobs/secret")
        .unwrap();
    assert_decisions(
        &policy,
        &[
            ("HEAD /health", "public", DecisionReason::Exact),
            (
                "HEAD /admin",
                "needs a key with admin",
                DecisionReason::Exact,
            ),
            (
                "HEAD /logs/1 < /logs/{day}",
                "denied",
                DecisionReason::Template,
            ),
            // HEAD has its own entry, which does not match GET.
            ("HEAD /v2", "public", DecisionReason::Exact),
            ("GET /v2", KEY, DecisionReason::Exact),
            (
                "HEAD /blobs/1 < /blobs/{id}",
                "public",
                DecisionReason::Template,
            ),
            ("GET /blobs/1 < /blobs/{id}", KEY, DecisionReason::Unlisted),
            // An entry for a path takes precedence over one for a template, whatever the method.
            (
                "HEAD /blobs/secret < /blobs/{id}",
                "denied",
                DecisionReason::Exact,
            ),
        ],
    );
}

#[test]
fn decision_does_not_allocate() {
    let policy = RoutePolicy::new()
        .public(Method::GET, "/health")
        .unwrap()
        .optional_template(Method::GET, "/models/{id}")
        .unwrap();
    for (path, template) in [
        ("/health", None),
        ("/models/a%20%C3%BC", Some("/models/{id}")),
        ("/models//a", Some("/models/{id}")),
        ("/v1/chat/completions", None),
    ] {
        let count = allocation_counter::measure(|| {
            std::hint::black_box(policy.access(&Method::HEAD, path, template));
        });
        assert_eq!(count.count_total, 0, "{path}");
    }
}

#[test]
fn closed_path_is_closed_in_every_spelling() {
    let policy = RoutePolicy::new()
        .deny(Method::GET, "/v1/models/@internal")
        .unwrap()
        .required(Method::GET, "/v1/models/reload", scopes("admin"))
        .unwrap()
        .required_template(Method::GET, "/v1/models/{id}", scopes("read"))
        .unwrap()
        .optional_template(Method::GET, "/v1/files/{id}")
        .unwrap();
    let template = "/v1/models/{id}";
    for path in [
        "/v1/models/%40internal",
        "/v1/models/%69nternal",
        "/v1/models/@internal/",
        "/v1//models/@internal",
        "/v1/models/x/../@internal",
        "/v1/models/@internal;v=1",
        "/v1/files/..%2fmodels%2f@internal",
    ] {
        let path = path.replace("%69nternal", "@%69nternal");
        for template in [Some(template), Some("/v1/files/{id}"), None] {
            let decision = policy.explain(&Method::GET, &path, template);
            assert_eq!(decision.access().to_string(), "denied", "{path}");
            assert_eq!(decision.reason(), DecisionReason::OtherSpelling, "{path}");
            let head = policy.explain(&Method::HEAD, &path, template);
            assert_eq!(head.access(), decision.access(), "{path}");
        }
    }
    assert_decisions(
        &policy,
        &[
            (
                "GET /v1/models/r%65load < /v1/models/{id}",
                "needs a key with admin read",
                DecisionReason::OtherSpelling,
            ),
            (
                "GET /v1/models/a%20b < /v1/models/{id}",
                "needs a key with read",
                DecisionReason::Template,
            ),
            (
                "GET /v1/files/a%20b < /v1/files/{id}",
                "a key is optional",
                DecisionReason::Template,
            ),
            ("POST /v1/models/%40internal", KEY, DecisionReason::Unlisted),
            // Without a router, an entry that closes a template matches what the template covers.
            (
                "GET /v1/models/a",
                "needs a key with read",
                DecisionReason::OtherSpelling,
            ),
            ("GET /v1/models/a/b", KEY, DecisionReason::Unlisted),
            ("GET /v1/files/a", KEY, DecisionReason::Unlisted),
        ],
    );
}

#[test]
fn escaped_entry_closes_the_plain_path() {
    let policy = RoutePolicy::deny_unlisted()
        .required_template(Method::GET, "/{user}/{id}", Requirement::new())
        .unwrap()
        .deny(Method::GET, "/a/%40b")
        .unwrap()
        .deny_template(Method::GET, "/@admin/{id}")
        .unwrap();
    assert_decisions(
        &policy,
        &[
            (
                "GET /a/@b < /{user}/{id}",
                "denied",
                DecisionReason::OtherSpelling,
            ),
            (
                "GET /a/%40b < /{user}/{id}",
                "denied",
                DecisionReason::Exact,
            ),
            // A router that decodes would choose the other template.
            (
                "GET /%40admin/x < /{user}/{id}",
                "denied",
                DecisionReason::OtherSpelling,
            ),
            ("GET /a%20b/x < /{user}/{id}", KEY, DecisionReason::Template),
        ],
    );
}

#[test]
fn closing_entry_counts_for_each_case_of_a_method() {
    let closed = RoutePolicy::new()
        .deny(Method::POST, "/admin")
        .unwrap()
        .public(Method::GET, "/health")
        .unwrap();
    for method in ["post", "Post", "POST"] {
        let decision = closed.explain(&method.parse().unwrap(), "/admin", None);
        assert_eq!(decision.access(), &Access::Deny, "{method}");
    }
    let get = closed.explain(&"get".parse().unwrap(), "/health", None);
    assert!(!get.access().is_open());
}
