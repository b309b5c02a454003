//! What the policies say of requests.

use http::Method;

use super::{Policies, Why};
use crate::inbound::Scopes;

const KEY: &str = "needs a key";

fn scopes(scopes: &str) -> Scopes {
    scopes.parse().unwrap()
}

/// What is asked, and why, of requests `METHOD path`, or `METHOD path < template`.
fn assert_asked(policies: &Policies, cases: &[(&str, &str, Why)]) {
    for &(request, asked, why) in cases {
        let (request, template) = match request.split_once(" < ") {
            Some((request, template)) => (request, Some(template)),
            None => (request, None),
        };
        let (method, path) = request.split_once(' ').unwrap();
        let method = method.parse().unwrap();
        let decision = policies.explain(&method, path, template);
        assert_eq!(decision.access().to_string(), asked, "{request}");
        assert_eq!(decision.why(), why, "{request}");
        assert_eq!(policies.access(&method, path, template), decision.access());
    }
}

#[test]
fn an_entry_is_for_one_method_and_one_path() {
    let policies = Policies::new()
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
    assert_asked(
        &policies,
        &[
            ("GET /health", "public", Why::Exact),
            ("GET /v1/models", "a key is optional", Why::Exact),
            (
                "GET /v1/usage",
                "a key is optional, a bad one counts as none",
                Why::Exact,
            ),
            ("POST /v1/chat", "needs a key with chat:write", Why::Exact),
            ("POST /admin", "denied", Why::Exact),
            ("GET /v1/chat", KEY, Why::Unlisted),
            ("GET /admin", KEY, Why::Unlisted),
            // Another method, also one that only looks like it.
            ("POST /health", KEY, Why::Unlisted),
            ("OPTIONS /health", KEY, Why::Unlisted),
            ("get /health", KEY, Why::Unlisted),
            // Never a prefix, a suffix, another case, or a path with something trimmed off.
            ("GET /health/", KEY, Why::Unlisted),
            ("GET /healthz", KEY, Why::Unlisted),
            ("GET /health/internal", KEY, Why::Unlisted),
            ("GET /admin/health", KEY, Why::Unlisted),
            ("GET /HEALTH", KEY, Why::Unlisted),
            ("GET /secret.health", KEY, Why::Unlisted),
            ("GET /", KEY, Why::Unlisted),
            // No path of a request, or a part of one.
            ("GET health", KEY, Why::SuspiciousPath),
            ("GET ", KEY, Why::SuspiciousPath),
            ("OPTIONS *", KEY, Why::SuspiciousPath),
            ("GET /health?a=b", KEY, Why::SuspiciousPath),
        ],
    );
}

#[test]
fn the_root_is_a_path_like_any() {
    let policies = Policies::new().public(Method::GET, "/").unwrap();
    assert_asked(
        &policies,
        &[
            ("GET /", "public", Why::Exact),
            ("GET /a", KEY, Why::Unlisted),
            ("GET //", KEY, Why::SuspiciousPath),
        ],
    );
}

#[test]
fn a_template_counts_where_the_router_matched_it() {
    let policies = Policies::new()
        .optional_template(Method::GET, "/v1/models/{id}")
        .unwrap()
        .required_template(Method::DELETE, "/v1/models/{id}", scopes("models:admin"))
        .unwrap()
        .deny(Method::GET, "/v1/models/internal")
        .unwrap();
    assert_asked(
        &policies,
        &[
            (
                "GET /v1/models/a < /v1/models/{id}",
                "a key is optional",
                Why::Template,
            ),
            (
                "DELETE /v1/models/a < /v1/models/{id}",
                "needs a key with models:admin",
                Why::Template,
            ),
            ("GET /v1/models/a", KEY, Why::Unlisted),
            ("GET /v1/models/{id}", KEY, Why::SuspiciousPath),
            ("GET /v1/models/a < /v1/models/{name}", KEY, Why::Unlisted),
            ("POST /v1/models/a < /v1/models/{id}", KEY, Why::Unlisted),
            // The path comes first.
            (
                "GET /v1/models/internal < /v1/models/{id}",
                "denied",
                Why::Exact,
            ),
        ],
    );
}

#[test]
fn a_suspicious_path_is_exempt_from_nothing() {
    let policies = Policies::new()
        .public(Method::GET, "/health")
        .unwrap()
        .public_template(Method::GET, "/static/{*path}")
        .unwrap()
        .optional_template(Method::GET, "/models/{id}")
        .unwrap()
        .optional_lenient_template(Method::GET, "/users/{id}")
        .unwrap();
    assert_asked(
        &policies,
        &[
            (
                "GET /static/a/b.css < /static/{*path}",
                "public",
                Why::Template,
            ),
            (
                "GET /static/../admin < /static/{*path}",
                KEY,
                Why::SuspiciousPath,
            ),
            (
                "GET /static/%2e%2e/admin < /static/{*path}",
                KEY,
                Why::SuspiciousPath,
            ),
            (
                "GET /static/..%2fadmin < /static/{*path}",
                KEY,
                Why::SuspiciousPath,
            ),
            (
                "GET /static/..%5cadmin < /static/{*path}",
                KEY,
                Why::SuspiciousPath,
            ),
            (
                "GET /static//admin < /static/{*path}",
                KEY,
                Why::SuspiciousPath,
            ),
            (
                "GET /static/..;/admin < /static/{*path}",
                KEY,
                Why::SuspiciousPath,
            ),
            (
                "GET /static/%252e%252e/admin < /static/{*path}",
                KEY,
                Why::SuspiciousPath,
            ),
            ("GET /models/a%2fb < /models/{id}", KEY, Why::SuspiciousPath),
            ("GET /users/a. < /users/{id}", KEY, Why::SuspiciousPath),
            ("GET /%68ealth", KEY, Why::SuspiciousPath),
            ("GET //health", KEY, Why::SuspiciousPath),
            ("GET /health%2f", KEY, Why::SuspiciousPath),
        ],
    );
    let shut = Policies::deny_unlisted()
        .public_template(Method::GET, "/static/{*path}")
        .unwrap();
    let odd = "GET /static//admin < /static/{*path}";
    assert_asked(&shut, &[(odd, "denied", Why::SuspiciousPath)]);
}

#[test]
fn a_suspicious_path_does_not_get_around_what_an_entry_asks_for() {
    let policies = Policies::new()
        .required_template(Method::DELETE, "/models/{id}", scopes("models:admin"))
        .unwrap()
        .deny_template(Method::GET, "/files/{*path}")
        .unwrap();
    assert_asked(
        &policies,
        &[
            (
                "DELETE /models/meta%2fllama < /models/{id}",
                "needs a key with models:admin",
                Why::Template,
            ),
            ("GET /files/a//b < /files/{*path}", "denied", Why::Template),
        ],
    );
}

#[test]
fn what_is_not_listed_is_denied_where_that_is_the_rule() {
    let policies = Policies::deny_unlisted()
        .required(Method::POST, "/v1/chat", Scopes::default())
        .unwrap();
    assert_asked(
        &policies,
        &[
            ("POST /v1/chat", KEY, Why::Exact),
            ("GET /v1/chat", "denied", Why::Unlisted),
            ("POST /v1/chat/", "denied", Why::Unlisted),
        ],
    );
    assert_asked(&Policies::default(), &[("GET /", KEY, Why::Unlisted)]);
}

#[test]
fn what_is_said_of_get_is_said_of_head() {
    let policies = Policies::new()
        .public(Method::GET, "/health")
        .unwrap()
        .required(Method::GET, "/admin", scopes("admin"))
        .unwrap()
        .deny_template(Method::GET, "/logs/{day}")
        .unwrap()
        .required(Method::GET, "/v2", Scopes::default())
        .unwrap()
        .public(Method::HEAD, "/v2")
        .unwrap()
        .public_template(Method::HEAD, "/blobs/{id}")
        .unwrap()
        .deny(Method::GET, "/blobs/secret")
        .unwrap();
    assert_asked(
        &policies,
        &[
            ("HEAD /health", "public", Why::Exact),
            ("HEAD /admin", "needs a key with admin", Why::Exact),
            ("HEAD /logs/1 < /logs/{day}", "denied", Why::Template),
            // Its own entry comes first, and is not for GET.
            ("HEAD /v2", "public", Why::Exact),
            ("GET /v2", KEY, Why::Exact),
            ("HEAD /blobs/1 < /blobs/{id}", "public", Why::Template),
            ("GET /blobs/1 < /blobs/{id}", KEY, Why::Unlisted),
            // A path comes before a template, whichever method it is listed for.
            ("HEAD /blobs/secret < /blobs/{id}", "denied", Why::Exact),
        ],
    );
}

#[test]
fn a_decision_allocates_nothing() {
    let policies = Policies::new()
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
            std::hint::black_box(policies.access(&Method::HEAD, path, template));
        });
        assert_eq!(count.count_total, 0, "{path}");
    }
}
