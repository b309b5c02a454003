//! A `Host` header that names another host than the URI.

use tower_rotating_auth::{outbound::InjectKeyLayer, outbound::RotatingCredential};

use super::{ALONE, Kind, STACKED, request, sent};

fn one_origin(key: RotatingCredential) -> InjectKeyLayer {
    InjectKeyLayer::new("https://api.test", key).unwrap()
}

const CASES: [(&str, &[&str], bool); 19] = [
    ("https://api.test/", &[], true),
    ("https://api.test/", &["host: api.test"], true),
    ("https://api.test/", &["host: API.test"], true),
    ("https://api.test/", &["host: api.test:443"], true),
    ("https://API.test:443/", &["host: api.test"], true),
    ("https://user@api.test/", &["host: api.test"], true),
    ("https://api.test/", &["host: evil.test"], false),
    ("https://api.test/", &["host: api.test:80"], false),
    ("https://api.test/", &["host: api.test."], false),
    ("https://api.test/", &["host: api.test.evil.test"], false),
    ("https://api.test/", &["host: api.test, evil.test"], false),
    ("https://api.test/", &["host: evil@api.test"], false),
    ("https://evil@api.test/", &["host: evil@api.test"], false),
    ("https://api.test/", &["host: "], false),
    ("https://api.test/", &["host: [::1]"], false),
    (
        "https://api.test/",
        &["host: api.test", "host: evil.test"],
        false,
    ),
    (
        "https://api.test/",
        &["host: api.test", "host: api.test"],
        false,
    ),
    ("https://api.test:443/", &["host: api.test:8443"], false),
    ("https://api.test/", &["host: /"], false),
];

fn headers(hosts: &[&str], key: &str) -> String {
    let mut headers = hosts.to_vec();
    headers.extend([key].into_iter().filter(|key| !key.is_empty()));
    headers.join(", ")
}

#[tokio::test]
async fn foreign_host_gets_no_key_from_any_entry() {
    let entries: [fn(_) -> _; 2] = [one_origin, InjectKeyLayer::any_origin];
    for (n, entry) in entries.into_iter().enumerate() {
        for (url, hosts, expected) in CASES {
            let key = if expected { "x-upstream-key: ours" } else { "" };
            for kind in ALONE {
                let sent = sent(kind, entry, request("GET", url, hosts)).await;
                let expected = headers(hosts, key);
                assert_eq!(sent, expected, "{url} for {hosts:?}, entry {n}, {kind:?}");
            }
        }
    }
}

#[tokio::test]
async fn any_origin_compares_ipv6_hosts_as_addresses() {
    for (url, host, expected) in [
        ("http://[::1]/", "host: [0:0::1]", true),
        ("http://[::1]:80/", "host: [::1]", true),
        ("http://[::1]:81/", "host: [::1]", false),
        ("http://[::1]/", "host: [::2]", false),
        ("http://localhost/", "host: 127.0.0.1", false),
    ] {
        let key = if expected { "x-upstream-key: ours" } else { "" };
        for kind in ALONE {
            let any = InjectKeyLayer::any_origin;
            let sent = sent(kind, any, request("GET", url, &[host])).await;
            assert_eq!(sent, headers(&[host], key), "{url} for {host}, {kind:?}");
        }
    }
}

#[tokio::test]
async fn path_only_request_must_name_the_assumed_origin() {
    let entries: [fn(_) -> _; 2] = [one_origin, InjectKeyLayer::any_origin];
    for (n, entry) in entries.into_iter().enumerate() {
        for (host, expected) in [
            ("host: api.test", true),
            ("host: api.test:443", true),
            ("host: evil.test", false),
        ] {
            let inject = |key| entry(key).assume_origin("https://api.test").unwrap();
            let key = if expected { "x-upstream-key: ours" } else { "" };
            for kind in ALONE {
                let sent = sent(kind, inject, request("GET", "/v1", &[host])).await;
                assert_eq!(sent, headers(&[host], key), "{host}, entry {n}, {kind:?}");
            }
        }
    }
}

#[tokio::test]
async fn foreign_host_keeps_or_loses_the_callers_header() {
    let theirs = &[
        "host: evil.test",
        "x-upstream-key: theirs",
        "x_upstream_key: theirs",
    ];
    let request = || request("GET", "https://api.test/", theirs);
    let overriding = |key| one_origin(key).override_existing();
    let any = |key| InjectKeyLayer::any_origin(key).override_existing();
    for kind in ALONE {
        assert_eq!(
            sent(kind, one_origin, request()).await,
            theirs.join(", "),
            "{kind:?}"
        );
        assert_eq!(
            sent(kind, overriding, request()).await,
            theirs[0],
            "{kind:?}"
        );
        assert_eq!(sent(kind, any, request()).await, theirs[0], "{kind:?}");
    }
    for kind in STACKED {
        assert_eq!(
            sent(kind, one_origin, request()).await,
            theirs[0],
            "{kind:?}"
        );
    }
    let mut twice = request();
    let host = "api.test".parse().unwrap();
    twice.headers_mut().append("host", host);
    let sent = sent(Kind::Replaying, overriding, twice).await;
    assert_eq!(sent, "host: api.test, host: evil.test");
}
