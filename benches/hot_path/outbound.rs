//! What an outgoing request costs.

use std::future::{Ready, ready};
use std::sync::{Arc, RwLock};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Response};
use http_body_util::Full;
use tower::{Layer, ServiceBuilder};
use tower_http::auth::AddAuthorizationLayer;
use tower_http::follow_redirect::FollowRedirectLayer;
use tower_http::follow_redirect::policy::clone_body_fn;
use tower_http::set_header::SetRequestHeaderLayer;
use tower_rotating_auth::{
    Secret,
    outbound::replay::BufferBody,
    outbound::{Credential, InjectKeyLayer, RotatingCredential},
};

use crate::KEY;
use crate::harness::{Bare, Case, Reader, Req, case, request, table};

#[derive(Clone)]
struct Once;

impl<B, E> tower::retry::Policy<Req, Response<B>, E> for Once {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Req, answer: &mut Result<Response<B>, E>) -> Option<Ready<()>> {
        answer
            .as_ref()
            .is_ok_and(|response| response.status() == 401)
            .then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Req) -> Option<Req> {
        Some(request.clone())
    }
}

pub(crate) fn inject() -> InjectKeyLayer {
    let credential = Credential::bearer(&Secret::from(KEY)).unwrap();
    let (key, _publisher) = RotatingCredential::manual(credential);
    InjectKeyLayer::new("https://api.example.com", key).unwrap()
}

struct Shared {
    inject: InjectKeyLayer,
    add_authorization: AddAuthorizationLayer,
    locked: Arc<RwLock<HeaderValue>>,
}

impl Shared {
    fn new() -> Self {
        let bearer = format!("Bearer {KEY}");
        Self {
            inject: inject(),
            add_authorization: AddAuthorizationLayer::bearer(KEY),
            locked: Arc::new(RwLock::new(HeaderValue::from_str(&bearer).unwrap())),
        }
    }

    fn cases(&self) -> Vec<Case> {
        let fixed = HeaderValue::from_str(&format!("Bearer {KEY}")).unwrap();
        let locked = Arc::clone(&self.locked);
        let inject = self.inject.clone();
        vec![
            case("nothing", None, Bare),
            case(
                "a static value",
                None,
                ServiceBuilder::new()
                    .map_request(|mut request: Req| {
                        let value = HeaderValue::from_static("Bearer 0123456789abcdef");
                        request.headers_mut().insert(AUTHORIZATION, value);
                        request
                    })
                    .service(Bare),
            ),
            case(
                "tower-http AddAuthorization (fixed key)",
                None,
                self.add_authorization.layer(Bare),
            ),
            case(
                "tower-http SetRequestHeader (RwLock)",
                None,
                SetRequestHeaderLayer::overriding(AUTHORIZATION, move |_: &Req| {
                    Some(locked.read().unwrap().clone())
                })
                .layer(Bare),
            ),
            case(
                "InjectKeyLayer, without replay",
                Some(0),
                inject.clone().without_replay().layer(Bare),
            ),
            case(
                "InjectKeyLayer, CloneBody",
                Some(1),
                inject.clone().layer(Bare),
            ),
            case(
                "tower Retry (cloned request) + fixed key",
                None,
                ServiceBuilder::new()
                    .retry(Once)
                    .map_request(move |mut request: Req| {
                        request.headers_mut().insert(AUTHORIZATION, fixed.clone());
                        request
                    })
                    .service(Bare),
            ),
            case(
                "tower Retry (cloned request) + InjectKeyLayer, without replay",
                None,
                ServiceBuilder::new()
                    .retry(Once)
                    .service(inject.without_replay().layer(Bare)),
            ),
        ]
    }

    /// Cases that keep the request for a replay, with a body that is read.
    fn replays(&self) -> Vec<Case> {
        let fixed = HeaderValue::from_str(&format!("Bearer {KEY}")).unwrap();
        let with_key = move |mut request: Req| {
            request.headers_mut().insert(AUTHORIZATION, fixed.clone());
            request
        };
        let inject = self.inject.clone();
        let buffer = inject.clone().replay(BufferBody::new(64 * 1024));
        let redirects = clone_body_fn(|body: &Full<Bytes>| Some(body.clone()));
        vec![
            case("reading alone", None, Reader),
            case(
                "InjectKeyLayer, without replay",
                Some(0),
                inject.clone().without_replay().layer(Reader),
            ),
            case("InjectKeyLayer, CloneBody", Some(1), inject.layer(Reader)),
            case("InjectKeyLayer, BufferBody", Some(3), buffer.layer(Reader)),
            case(
                "tower Retry (cloned request) + fixed key",
                None,
                ServiceBuilder::new()
                    .retry(Once)
                    .map_request(with_key.clone())
                    .service(Reader),
            ),
            case(
                "tower-http FollowRedirect (cloned body) + fixed key",
                None,
                ServiceBuilder::new()
                    .layer(FollowRedirectLayer::with_policy(redirects))
                    .map_request(with_key)
                    .service(Reader),
            ),
        ]
    }
}

pub(crate) fn run(rounds: usize) {
    let shared = Shared::new();
    table("outbound, added", shared.cases(), request, 2, rounds);
    let title = "outbound, added, ready to be sent again";
    table(title, shared.replays(), request, 4, rounds);
}
