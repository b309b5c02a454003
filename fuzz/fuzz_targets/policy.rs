//! Fuzzes policies and requests: a policy decides like a plain list, and a client without a key
//! reaches only the route that the policy names.
//!
//! The first line of the input is a digit that picks a method, and a path. Each other line is a
//! digit for a method, a digit for an access rule, and a path or a template of the router.
#![no_main]

use http::Method;
use libfuzzer_sys::fuzz_target;
use tower_rotating_auth::{
    inbound::Requirement,
    inbound::policy::{Access, RoutePolicy},
};

#[path = "../../tests/it/inbound_policy/law.rs"]
mod law;
#[path = "../../tests/it/inbound_policy/model.rs"]
mod model;

const ROUTES: [(Method, &str); 9] = [
    (Method::GET, "/"),
    (Method::GET, "/a"),
    (Method::POST, "/a"),
    (Method::GET, "/a/{x}"),
    (Method::POST, "/a/b"),
    (Method::GET, "/a/{x}/b/"),
    (Method::OPTIONS, "/v{x}/a"),
    (Method::GET, "/c/{*rest}"),
    (Method::HEAD, "/{x}"),
];

fuzz_target!(|input: &str| {
    let mut lines = input.lines();
    let Some((method, path)) = lines.next().and_then(method) else {
        return;
    };
    let entries: Vec<_> = lines.filter_map(entry).take(32).collect();

    let (policy, taken) = model::list(RoutePolicy::new(), &entries);
    let unlisted = Access::Required(Requirement::new());
    let templates = ROUTES.iter().map(|(_, path)| Some(*path));
    for template in templates.chain([None]) {
        model::assert_explained(&policy, &unlisted, &taken, &method, path, template);
    }

    let routes = ROUTES.map(|(method, path)| (method, path.to_owned()));
    let gated = law::Gated::new(&routes, model::audited(&entries, &routes));
    gated.assert_law(&method, path);
    for entry in &entries {
        gated.assert_law(&entry.method, &entry.text);
    }
});

fn method(line: &str) -> Option<(Method, &str)> {
    let (digit, rest) = line.split_at_checked(1)?;
    let method = match digit {
        "0" => Method::GET,
        "1" => Method::HEAD,
        "2" => Method::POST,
        "3" => Method::OPTIONS,
        _ => return None,
    };
    Some((method, rest))
}

fn entry(line: &str) -> Option<model::Entry> {
    let (method, rest) = method(line)?;
    let (digit, text) = rest.split_at_checked(1)?;
    let access = match digit {
        "0" => Access::Public,
        "1" => Access::Optional,
        "2" => Access::OptionalLenient,
        "3" => Access::Required(Requirement::new().all_of("admin".parse().ok()?)),
        "4" => Access::Deny,
        "5" => Access::Required(Requirement::new().any_of("admin chat".parse().ok()?)),
        "6" => Access::Required(Requirement::new().role("operator".parse().ok()?)),
        "7" => Access::Required(Requirement::new().clients(["one".parse().ok()?])),
        _ => return None,
    };
    let place = match ROUTES.iter().any(|(_, path)| *path == text) {
        true => model::Place::Template,
        false => model::Place::Path,
    };
    Some(model::Entry {
        method,
        place,
        text: text.to_owned(),
        access,
    })
}
