//! Which routes need a key: against a naive model, and in front of axum's own router.

mod closed;
mod law;
mod model;
mod router;
mod spellings;

use http::Method;
use proptest::prelude::*;
use proptest::sample::select;
use tower_rotating_auth::{
    inbound::Requirement,
    inbound::policy::{Access, RoutePolicy},
};

use self::law::{Gated, Route};
use self::model::{Entry, Place};

fn method() -> impl Strategy<Value = Method> {
    select(vec![
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::OPTIONS,
    ])
}

fn access() -> impl Strategy<Value = Access> {
    select(vec![
        Access::Public,
        Access::Optional,
        Access::OptionalLenient,
        Access::Required(Requirement::new()),
        Access::Required(Requirement::new().all_of("admin".parse().unwrap())),
        Access::Required(Requirement::new().any_of("admin chat".parse().unwrap())),
        Access::Required(Requirement::new().role("operator".parse().unwrap())),
        Access::Required(Requirement::new().clients(["one".parse().unwrap()])),
        Access::Deny,
    ])
}

/// Routes that one router can have: `{*rest}` never stands where another route has a parameter.
fn routes() -> impl Strategy<Value = Vec<Route>> {
    let segment = select(vec!["a", "b", "a.b", ".c", "v1", "{x}", "v{x}"]);
    let end = select(vec!["", "", "", "/", "/{*rest}"]);
    let path = (prop::collection::vec(segment, 0..4), end).prop_map(|(segments, end)| {
        let path = segments
            .iter()
            .fold(String::new(), |path, segment| path + "/" + segment);
        let path = path + end;
        if path.is_empty() {
            "/".to_owned()
        } else {
            path
        }
    });
    prop::collection::vec((method(), path), 1..8).prop_map(|mut routes| {
        routes.sort_by(|one, other| {
            one.1
                .cmp(&other.1)
                .then(one.0.as_str().cmp(other.0.as_str()))
        });
        routes.dedup();
        let all = routes.clone();
        routes.retain(|(_, path)| {
            let Some(prefix) = path.strip_suffix("{*rest}") else {
                return true;
            };
            let parameter = format!("{prefix}{{x}}");
            !all.iter().any(|(_, other)| other.starts_with(&parameter))
        });
        routes
    })
}

/// A path that a template might match, with something in place of each parameter.
fn filled(template: String) -> impl Strategy<Value = String> {
    let holes = template.matches('{').count();
    let text = select(vec![
        "a",
        "b",
        "a.b",
        ".c",
        "v1",
        "1",
        "x",
        "A",
        "%20x",
        "x%3Ay",
        "%C3%BC",
        "x:y",
        "@x",
        "",
        ".",
        "..",
        "...",
        "a.",
        "%2e%2e",
        "%2E",
        "%61",
        "a%2fb",
        "a%5Cb",
        "a\\b",
        "a;b",
        "..;",
        "%252e%252e",
        "%c0%ae",
        "%c0%af",
        "a%20",
        "%",
        "%2",
        "%zz",
        "%00",
        "%3f",
        "%23",
        "a/../b",
        "a//b",
        "a/b",
    ]);
    prop::collection::vec(text, holes).prop_map(move |texts| {
        let mut path = template.clone();
        for text in texts {
            let start = path.find('{').unwrap();
            let end = path.find('}').unwrap();
            path.replace_range(start..=end, text);
        }
        path
    })
}

/// A path near one of the routes, or of its own.
fn path_for(routes: &[Route]) -> impl Strategy<Value = String> + use<> {
    let templates: Vec<_> = routes.iter().map(|(_, path)| path.clone()).collect();
    let near = select(templates).prop_flat_map(filled).boxed();
    let odd =
        (near.clone(), any::<prop::sample::Index>(), token()).prop_map(|(mut path, at, token)| {
            path.insert_str(at.index(path.len()) + 1, token);
            path
        });
    prop_oneof![6 => near, 2 => odd, 1 => anything()]
}

fn token() -> impl Strategy<Value = &'static str> {
    select(vec![
        "/",
        "//",
        ".",
        "..",
        "/.",
        "/..",
        "a",
        "b",
        "v",
        "%",
        "%2",
        "%2e",
        "%2F",
        "%61",
        "%25",
        "%20",
        "%3a",
        "%C3",
        "%BC",
        "%e2%82%ac",
        "%ff",
        "\\",
        ";",
        "{",
        "}",
        ":",
        "*",
        "?",
        "@",
        " ",
        "ü",
    ])
}

fn anything() -> impl Strategy<Value = String> {
    prop::collection::vec(token(), 0..8).prop_map(|tokens| tokens.concat())
}

fn entry(text: BoxedStrategy<(Place, String)>) -> impl Strategy<Value = Entry> {
    (method(), text, access()).prop_map(|(method, (place, text), access)| Entry {
        method,
        place,
        text,
        access,
    })
}

/// Entries for routes, for paths that they match, and for others.
fn entries_for(routes: &[Route]) -> impl Strategy<Value = Vec<Entry>> + use<> {
    let templates: Vec<_> = routes.iter().map(|(_, path)| path.clone()).collect();
    let text = prop_oneof![
        3 => select(templates).prop_map(|template| (Place::Template, template)),
        3 => path_for(routes).prop_map(|path| (Place::Path, path)),
    ];
    prop::collection::vec(entry(text.boxed()), 0..10)
}

fn unlisted(access: &Access) -> RoutePolicy {
    match access {
        Access::Deny => RoutePolicy::deny_unlisted(),
        _ => RoutePolicy::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_policies_say_what_a_list_would(
        (entries, path, template) in routes().prop_flat_map(|routes| {
            let template = prop::option::of(select(routes.clone()).prop_map(|(_, path)| path));
            (entries_for(&routes), path_for(&routes), template)
        }),
        method in method(),
        default in select(vec![Access::Required(Requirement::new()), Access::Deny]),
    ) {
        let (policies, taken) = model::list(unlisted(&default), &entries);
        let paths = taken.iter().map(|entry| &*entry.text).chain([&*path]);
        for path in paths {
            let template = template.as_deref();
            model::assert_explained(&policies, &default, &taken, &method, path, template);
        }
    }

    #[test]
    fn only_plain_paths_are_exempt(path in anything()) {
        let template = RoutePolicy::new().public_template(Method::GET, "/{*rest}").unwrap();
        let decision = template.explain(&Method::GET, &path, Some("/{*rest}"));
        prop_assert_eq!(decision.access().is_open(), model::is_plain(&path), "{}", path);
    }

    #[test]
    fn whoever_is_served_without_a_key_is_served_by_the_route_that_was_named(
        (routes, entries, paths) in routes().prop_flat_map(|routes| {
            let paths = prop::collection::vec((method(), path_for(&routes)), 8);
            (Just(routes.clone()), entries_for(&routes), paths)
        }),
    ) {
        let gated = Gated::new(&routes, model::audited(&entries, &routes));
        let listed = entries.iter().map(|entry| (&entry.method, &*entry.text));
        let sent = paths.iter().map(|(method, path)| (method, &**path));
        for (method, path) in sent.chain(listed) {
            gated.assert_law(method, path);
        }
    }
}
