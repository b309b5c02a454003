//! What an incoming request costs, by the number of keys.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::sync::{Arc, RwLock};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Response, StatusCode};
use http_body_util::Full;
use tower::Layer;
use tower_http::auth::{AsyncAuthorizeRequest, AsyncRequireAuthorizationLayer};
use tower_http::validate_request::ValidateRequestHeaderLayer;
use tower_rotating_auth::{
    Rotating,
    inbound::{KeyDigest, KeyRecord, KeySet, RequireKeyLayer, Scopes},
};

use crate::KEY;
use crate::harness::{Bare, Case, Req, answered, case, request, table, time_beside, wire};

/// Keys in clear text behind a lock, as one would write it without this crate.
#[derive(Clone)]
struct Locked(Arc<RwLock<HashMap<String, Arc<str>>>>);

impl AsyncAuthorizeRequest<Full<Bytes>> for Locked {
    type RequestBody = Full<Bytes>;
    type ResponseBody = Full<Bytes>;
    type Future = Ready<Result<Req, Response<Full<Bytes>>>>;

    fn authorize(&mut self, mut request: Req) -> Self::Future {
        let token = request.headers().get(AUTHORIZATION).and_then(|value| {
            let text = value.to_str().ok()?;
            text.strip_prefix("Bearer ")
        });
        let client = token.and_then(|token| self.0.read().unwrap().get(token).cloned());
        ready(match client {
            Some(client) => {
                request.extensions_mut().insert(client);
                Ok(request)
            }
            None => {
                let mut refusal = Response::default();
                *refusal.status_mut() = StatusCode::UNAUTHORIZED;
                Err(refusal)
            }
        })
    }
}

fn names(keys: usize) -> impl Iterator<Item = String> {
    (1..keys)
        .map(|n| format!("{KEY}{n}"))
        .chain([KEY.to_owned()])
}

struct Shared {
    require: RequireKeyLayer,
    locked: Locked,
}

impl Shared {
    fn new(keys: usize) -> Self {
        let client: Arc<str> = "client".into();
        let map = names(keys)
            .map(|name| (name, Arc::clone(&client)))
            .collect();
        let record = |id: String| {
            let client = "client".parse().unwrap();
            KeyRecord::new(id.parse().unwrap(), client, Scopes::default())
        };
        let set = names(keys)
            .enumerate()
            .map(|(n, name)| (KeyDigest::of(name.as_bytes()), record(n.to_string())));
        let (keys, _publisher) = Rotating::manual(KeySet::new(set).unwrap());
        Self {
            require: RequireKeyLayer::new(keys),
            locked: Locked(Arc::new(RwLock::new(map))),
        }
    }

    #[expect(deprecated, reason = "the yardstick: one key, compared as it is")]
    fn cases(&self) -> Vec<Case> {
        vec![
            case("nothing", None, Bare),
            case(
                "tower-http ValidateRequestHeader::bearer (one fixed key)",
                None,
                ValidateRequestHeaderLayer::bearer(KEY).layer(Bare),
            ),
            case(
                "tower-http AsyncRequireAuthorization (RwLock, plain keys)",
                None,
                AsyncRequireAuthorizationLayer::new(self.locked.clone()).layer(Bare),
            ),
            case(
                "RequireKeyLayer (digests)",
                Some(3),
                self.require.layer(Bare),
            ),
        ]
    }
}

fn keyed() -> Req {
    presenting(KEY)
}

fn unknown() -> Req {
    presenting("trk_9876543210zz_0123456789abcdefghijklmnopqrstuvwxyz")
}

fn presenting(token: &str) -> Req {
    let mut request = request();
    let bearer = wire(&format!("Bearer {token}"));
    request.headers_mut().insert(AUTHORIZATION, bearer);
    request
}

/// Prints what a request with a good key costs while another thread keeps presenting unknown ones.
pub(crate) fn flood(rounds: usize) {
    let require = Shared::new(1_000).require;
    let good = || case("good", None, require.layer(Bare));
    let refused = answered(
        StatusCode::UNAUTHORIZED,
        "unknown",
        None,
        require.layer(Bare),
    );
    let alone = time_beside(good(), &keyed, None, rounds);
    let beside_good = time_beside(good(), &keyed, Some((good(), &keyed)), rounds);
    let beside_flood = time_beside(good(), &keyed, Some((refused, &unknown)), rounds);
    println!(
        "\na good key, in all: {alone:.0} ns alone, {beside_good:.0} ns beside a thread of good keys, \
         {beside_flood:.0} ns beside a flood of unknown ones"
    );
}

pub(crate) fn run(rounds: usize, sizes: &[usize]) {
    for &keys in sizes {
        let shared = Shared::new(keys);
        let title = format!("inbound, added, {keys} keys");
        table(&title, shared.cases(), keyed, 2, rounds);
    }
}
