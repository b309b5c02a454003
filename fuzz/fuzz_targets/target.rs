//! Laws of routes by path: the text of a URL is given a key only if a parser of another make finds
//! the route's origin in it, and a path that is under the route's own.
#![no_main]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::LazyLock;
use std::task::{Context, Poll};

use arbitrary::Arbitrary;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use tower_layer::Layer;
use tower_rotating_auth::{ Secret, outbound::{RotatingCredential, Credential, InjectKeyLayer, Route}, outbound::adapter::ClientAdapter};
use tower_service::Service;
use url::Url;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    route: &'a str,
    target: &'a str,
}

static KEY: LazyLock<RotatingCredential> = LazyLock::new(|| {
    let credential = Credential::bearer(&Secret::from("key")).expect("a key");
    RotatingCredential::manual(credential).0
});

struct Call {
    url: String,
    headers: HeaderMap,
}

/// Tells whether a call carries the key by the time that it reaches the client.
#[derive(Clone)]
struct Probe;

impl Service<Call> for Probe {
    type Response = bool;
    type Error = Infallible;
    type Future = Ready<Result<bool, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        ready(Ok(call.headers.contains_key("authorization")))
    }
}

fn is_given_the_key(route: Route, url: &str) -> bool {
    let adapter = ClientAdapter::new(|call: &Call| &call.url, |call: &mut Call| &mut call.headers, |_| None)
        .rejects(|_: &Result<bool, Infallible>| false);
    let inject = InjectKeyLayer::routes([route]).expect("a route").adapter(adapter);
    let headers = HeaderMap::new();
    let call = inject.layer(Probe).call(Call { url: url.to_owned(), headers });
    futures_util::future::FutureExt::now_or_never(call).expect("no refresh").expect("no error")
}

fuzz_target!(|input: Input<'_>| {
    let Ok(route) = Route::cleartext(input.route, KEY.clone()) else {
        return;
    };
    let written = route.to_string();
    let below = format!("{}/below", written.trim_end_matches('/'));
    assert!(is_given_the_key(route.clone(), &below));

    if is_given_the_key(route, input.target) {
        match (Url::parse(&written), Url::parse(input.target)) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours.origin(), theirs.origin());
                let rest = theirs.path().strip_prefix(ours.path().trim_end_matches('/'));
                let rest = rest.expect("a path that starts alike");
                assert!(rest.is_empty() || rest.starts_with('/'));
            }
            (Err(_), Err(_)) => {} // a host that the other parser does not know at all
            one_sided => panic!("{one_sided:?}"),
        }
    }
});
