//! Laws of the origin rule: an origin is given its own key and reads back as itself; a target is
//! given the key only if a parser of another make finds the same scheme, host and port in it.
#![no_main]

use arbitrary::Arbitrary;
use http::{Request, Response};
use libfuzzer_sys::fuzz_target;
use std::convert::Infallible;
use std::sync::LazyLock;
use tower_layer::Layer;
use tower_rotating_auth::{ Secret, outbound::{RotatingCredential, Credential, InjectKeyLayer, Origin}};
use tower_service::Service;
use url::Url;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    origin: &'a str,
    target: &'a str,
}

static KEY: LazyLock<RotatingCredential> = LazyLock::new(|| {
    let credential = Credential::bearer(&Secret::from("key")).expect("a key");
    RotatingCredential::manual(credential).0
});

/// Whether a request to `target` carries the key by the time that it reaches the client.
fn is_given_the_key(origin: Origin, target: http::Uri) -> bool {
    let inject = InjectKeyLayer::new(origin, KEY.clone()).expect("an origin");
    let mut carried = false;
    let client = Probe(&mut carried);
    let mut service = inject.without_replay().layer(client);
    let request = Request::get(target).body(()).expect("a request");
    drop(service.call(request));
    carried
}

struct Probe<'a>(&'a mut bool);

impl Service<Request<()>> for Probe<'_> {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        *self.0 = request.headers().contains_key("authorization");
        std::future::ready(Ok(Response::new(())))
    }
}

fuzz_target!(|input: Input<'_>| {
    let Ok(origin) = Origin::cleartext(input.origin) else {
        return;
    };
    let written = origin.to_string();
    assert_eq!(Origin::cleartext(&written).as_ref(), Ok(&origin));
    let own = format!("{written}/v1").parse().expect("a URL");
    assert!(is_given_the_key(origin.clone(), own));

    let Ok(target) = input.target.parse::<http::Uri>() else {
        return;
    };
    if is_given_the_key(origin, target) {
        match (Url::parse(&written), Url::parse(input.target)) {
            (Ok(ours), Ok(theirs)) => assert_eq!(ours.origin(), theirs.origin()),
            (Err(_), Err(_)) => {} // a host that the other parser does not know at all
            one_sided => panic!("{one_sided:?}"),
        }
    }
});
