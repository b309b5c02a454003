//! Headers of the caller that stand in for the key's, or that make the next hop drop it.

use http::Request;
use tower_rotating_auth::outbound::{InjectKeyLayer, RotatingCredential, Route};

use super::{ALONE, KEYED, STACKED, URL, key_in, request, sent, sent_in};

const THEIRS: &str = "x-upstream-key: theirs";
const TWINS: [&str; 4] = [
    "x-upstream_key: theirs",
    "x.upstream+key: theirs",
    "x_upstream-key: theirs",
    "x_upstream_key: theirs",
];
/// Headers that look like the key's and are none of its twins.
const OTHERS: [&str; 4] = [
    "x-upstream--key: theirs",
    "x-upstream-keys: theirs",
    "x-upstreamkey: theirs",
    "xx-upstream-key: theirs",
];

fn keep(key: RotatingCredential) -> InjectKeyLayer {
    InjectKeyLayer::new("https://api.test", key).unwrap()
}

fn overriding(key: RotatingCredential) -> InjectKeyLayer {
    keep(key).override_existing()
}

/// A request with the key's header, all its twins, and others.
fn dressed(url: &str) -> Request<String> {
    let headers: Vec<_> = TWINS.iter().chain(&OTHERS).copied().collect();
    request("GET", url, &[&[THEIRS, THEIRS][..], &headers].concat())
}

fn sorted(headers: &[&[&str]]) -> String {
    let mut headers = headers.concat();
    headers.sort_unstable();
    headers.join(", ")
}

#[tokio::test]
async fn keep_leaves_the_header_and_its_twins() {
    let all = sorted(&[&[THEIRS, THEIRS], &TWINS, &OTHERS]);
    for kind in ALONE {
        assert_eq!(sent(kind, keep, dressed(URL)).await, all, "{kind:?}");
        // A twin alone does not keep the key off.
        let sent = sent(kind, keep, request("GET", URL, &TWINS)).await;
        assert_eq!(sent, sorted(&[&[KEYED], &TWINS]), "{kind:?}");
    }
}

#[tokio::test]
async fn override_replaces_the_header_and_its_twins() {
    let replaced = sorted(&[&[KEYED], &OTHERS]);
    for kind in ALONE {
        assert_eq!(
            sent(kind, overriding, dressed(URL)).await,
            replaced,
            "{kind:?}"
        );
    }
    for kind in STACKED {
        assert_eq!(sent(kind, keep, dressed(URL)).await, replaced, "{kind:?}");
    }
}

#[tokio::test]
async fn override_leaves_other_origins_alone_and_a_gateway_none() {
    let all = sorted(&[&[THEIRS, THEIRS], &TWINS, &OTHERS]);
    for url in ["https://elsewhere.test/", "http://api.test/", "/v1"] {
        for kind in ALONE {
            assert_eq!(
                sent(kind, overriding, dressed(url)).await,
                all,
                "{url} {kind:?}"
            );
        }
        for kind in STACKED {
            let sent = sent(kind, keep, dressed(url)).await;
            assert_eq!(sent, sorted(&[&OTHERS]), "{url} {kind:?}");
        }
    }
}

#[tokio::test]
async fn several_keys_have_several_headers() {
    let other = || RotatingCredential::manual(key_in("x-other-key", "other")).0;
    let routes = |key| {
        InjectKeyLayer::routes([
            Route::new("https://api.test/v1", key).unwrap(),
            Route::new("https://api.test/v2", other()).unwrap(),
            Route::new("https://other.test", other()).unwrap(),
        ])
        .unwrap()
    };
    let overriding = |key| routes(key).override_existing();
    let theirs = ["x-other-key: theirs", "x-upstream-key: theirs"];
    let request = |url| request("GET", url, &[theirs[0], theirs[1], "x_other_key: theirs"]);
    let both = "x-other-key: theirs, x-upstream-key: theirs, x_other_key: theirs";
    for (url, alone, stacked) in [
        (
            "https://api.test/v1",
            "x-other-key: theirs, x-upstream-key: ours, x_other_key: theirs",
            "x-upstream-key: ours",
        ),
        (
            "https://api.test/v2",
            "x-other-key: other, x-upstream-key: theirs",
            "x-other-key: other",
        ),
        ("https://api.test/v1/../v2", "", ""), // either of two
        ("https://api.test/v3", both, ""),
        ("https://elsewhere.test/", both, ""),
    ] {
        for kind in ALONE {
            assert_eq!(
                sent(kind, overriding, request(url)).await,
                alone,
                "{url} {kind:?}"
            );
        }
        for kind in STACKED {
            assert_eq!(
                sent(kind, routes, request(url)).await,
                stacked,
                "{url} {kind:?}"
            );
        }
    }
}

#[tokio::test]
async fn connection_does_not_name_the_key() {
    for (lists, expected) in [
        (&["connection: x-upstream-key"][..], KEYED.to_owned()),
        (&["connection: X-Upstream-Key"], KEYED.to_owned()),
        (&["connection: x_upstream_key"], KEYED.to_owned()),
        (
            &[
                "connection: close, x-upstream-key ,te",
                "connection: x-upstream-key",
            ],
            format!("connection: close, te, {KEYED}"),
        ),
        (
            &["connection: close", "connection: other-key"],
            format!("connection: close, connection: other-key, {KEYED}"),
        ),
    ] {
        for (kind, inject) in ALONE
            .map(|kind| (kind, keep as fn(_) -> _))
            .into_iter()
            .chain(ALONE.map(|kind| (kind, overriding as fn(_) -> _)))
            .chain(STACKED.map(|kind| (kind, keep as fn(_) -> _)))
        {
            let sent = sent(kind, inject, request("GET", URL, lists)).await;
            assert_eq!(sent, expected, "{lists:?} {kind:?}");
        }
    }
    // Without our key, the caller's options are the caller's business.
    let theirs = ["connection: x-upstream-key", THEIRS];
    for kind in ALONE {
        let sent = sent(kind, keep, request("GET", URL, &theirs)).await;
        assert_eq!(sent, theirs.join(", "), "{kind:?}");
    }
}

#[tokio::test]
async fn authorization_named_by_connection_goes_through() {
    for kind in ALONE {
        let named = request("GET", URL, &["connection: Authorization, close"]);
        let sent = sent_in("authorization", kind, keep, named).await;
        assert_eq!(sent, "authorization: ours, connection: close", "{kind:?}");
    }
}
