//! Fuzzes policies and requests: a policy decides like a plain list, and a client without a key
//! reaches only the route that the policy names.
//!
//! The first line of the input is a digit that picks a method, and a path. Each other line is a
//! digit for a method, a digit for an access rule, and a path or a template of the router. The
//! first line is also what a client says about its address.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use tower_rotating_auth::{
    inbound::policy::{Access, RoutePolicy},
    inbound::{ForwardedHeader, Networks, Requirement, TrustedProxies},
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

/// A client changes nothing about the address that a proxy appends, not even by the `Host` that the
/// proxy quotes, and is believed nothing itself.
fn assert_addresses(said: &str) {
    let host = said.replace('\\', "\\\\").replace('"', "\\\"");
    for (name, header, appended) in [
        (
            "x-forwarded-for",
            ForwardedHeader::XForwardedFor,
            "198.51.100.7".to_owned(),
        ),
        (
            "forwarded",
            ForwardedHeader::Forwarded,
            "for=198.51.100.7".to_owned(),
        ),
        (
            "forwarded",
            ForwardedHeader::Forwarded,
            format!("for=198.51.100.7;host=\"{host}\""),
        ),
        (
            "forwarded",
            ForwardedHeader::Forwarded,
            format!("host=\"{host}\";for=198.51.100.7"),
        ),
    ] {
        let Ok(line) = HeaderValue::from_str(&format!("{said}, {appended}")) else {
            return;
        };
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), line)]);
        let proxies = TrustedProxies::new("10.0.0.0/8".parse().unwrap()).header(header);
        let client = |peer: &str| proxies.client_ip(peer.parse().ok(), &headers);
        assert_eq!(client("10.0.0.1:443"), "198.51.100.7".parse().ok());
        assert_eq!(client("192.0.2.1:443"), "192.0.2.1".parse().ok());
        assert_eq!(client(""), None);
    }
    assert_networks(said);
}

/// The networks of a key have one text, and contain their own addresses.
fn assert_networks(said: &str) {
    let Ok(networks) = said.parse::<Networks>() else {
        return;
    };
    assert_eq!(networks.to_string().parse(), Ok(networks.clone()));
    for network in networks.iter() {
        let text = network.to_string();
        let first = text.split('/').next().and_then(|first| first.parse().ok());
        assert!(
            first.is_some_and(|first| networks.contains(first)),
            "{text}"
        );
    }
}

fuzz_target!(|input: &str| {
    assert_addresses(input.lines().next().unwrap_or_default());
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
