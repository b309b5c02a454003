//! No token is in an event, a log line, a hook's `Debug`, an answer or an error.

use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::inbound::{
    KeyDigest, KeyLocation, KeyLocations, KeyRecord, KeySet, Principal, RequestBody, RequestScheme,
    RequireKeyLayer, SecureOnly, Validator, Validity,
};
use tower_rotating_auth::{Rotating, Secret};

use crate::support::Traced;

const SENTINEL: &str = "sentinel-8Zk1tQ0mVd7RyXw3LpHs5N";
const FOREIGN: &str = "foreign-8Zk1tQ0mVd7RyXw3LpHs5N";
/// In both tokens.
const SECRET: &str = "8Zk1tQ0mVd7";

/// A validator that knows one token.
struct Foreign;

impl Validator for Foreign {
    async fn validate(&self, token: &Secret) -> Validity {
        if token.expose_secret() != FOREIGN.as_bytes() {
            return Validity::Invalid;
        }
        let (id, client) = ("jwt".parse().unwrap(), "foreign".parse().unwrap());
        Validity::Valid(KeyRecord::new(id, client, "".parse().unwrap()))
    }
}

fn keys() -> KeySet {
    let (id, client) = ("k1".parse().unwrap(), "web".parse().unwrap());
    let record = KeyRecord::new(id, client, "".parse().unwrap());
    KeySet::new([(KeyDigest::of(SENTINEL.as_bytes()), record)]).unwrap()
}

/// Returns a request with a token in one of the places where clients put it.
fn request(place: &str, token: &str) -> Request<String> {
    let request = Request::get(match place {
        "query" => format!("/chat?key={token}"),
        _ => "/chat".to_owned(),
    });
    let request = match place {
        "bearer" => request.header("authorization", format!("Bearer {token}")),
        "header" => request.header("x-api-key", token),
        "websocket" => request
            .header("upgrade", "websocket")
            .header("connection", "upgrade")
            .header(
                "sec-websocket-protocol",
                format!("chat, openai-insecure-api-key.{token}"),
            ),
        _ => request,
    };
    request.body(String::new()).unwrap()
}

#[tokio::test]
async fn no_token_is_in_what_hooks_and_logs_get() {
    let traced = Traced::new();
    let texts = Arc::new(Mutex::new(vec![]));
    let tell = |what: &'static str| {
        let texts = Arc::clone(&texts);
        move |text: String| texts.lock().unwrap().push((what, text))
    };
    let (keys, _publisher) = Rotating::manual(keys());
    let locations = KeyLocations::new([
        KeyLocation::Bearer,
        KeyLocation::Header("x-api-key".parse().unwrap()),
        KeyLocation::Query("key".into()),
        KeyLocation::WebSocketProtocol,
    ]);
    let (disclosed, principal) = (tell("disclosed"), tell("principal"));
    let (event, answered) = (tell("event"), tell("answer"));
    let inner = tell("handler");
    let layer = RequireKeyLayer::new(keys)
        .locations(locations.unwrap())
        .secure_only(SecureOnly::new().on_disclosed(move |key| disclosed(format!("{key:?}"))))
        .on_principal(move |caller: &Principal| principal(format!("{caller:?}")))
        .observer(move |refused| event(format!("{refused:?}")));
    let handler = service_fn(|request: Request<RequestBody<String>>| {
        inner(format!("{:?}", request.into_parts().0));
        ready(Ok::<_, Infallible>(Response::new(String::new())))
    });
    let layer = layer.validator(Foreign);
    let mut statuses = vec![];
    for scheme in [RequestScheme::Https, RequestScheme::Http] {
        for place in ["bearer", "header", "query", "websocket"] {
            for token in [SENTINEL, FOREIGN, "unknown-8Zk1tQ0mVd7RyXw3LpHs5N"] {
                let mut request = request(place, token);
                request.extensions_mut().insert(scheme);
                let answer = layer.layer(handler).oneshot(request).await.unwrap();
                statuses.push(answer.status().as_u16());
                answered(format!("{:?} {:?}", answer.headers(), answer.extensions()));
            }
        }
    }
    let secure = [200, 200, 401].repeat(4);
    assert_eq!(statuses, [secure, vec![403; 12]].concat());
    drop(layer);

    let texts = texts.lock().unwrap();
    for what in ["disclosed", "principal", "answer", "handler"] {
        assert!(texts.iter().any(|(of, _)| *of == what), "{what}");
    }
    let digest = KeyDigest::of(SENTINEL.as_bytes()).to_text();
    let trace = ("trace", traced.text());
    for (what, text) in texts.iter().chain([&trace]) {
        for secret in [SECRET, &digest[7..23]] {
            assert!(!text.contains(secret), "{what} has {secret}: {text}");
        }
    }
}

#[cfg(feature = "key-file")]
#[test]
fn policy_file_error_quotes_no_value() {
    for text in [
        format!("version = 1\n[[route]]\nmethods = [\"GET\"]\npath = \"/\"\nscopes = \"{SENTINEL}"),
        format!("version = 1\nkey = \"{SENTINEL}\"\n"),
    ] {
        let error =
            tower_rotating_auth::inbound::policy::RoutePolicy::from_toml(&text).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains(SECRET), "{text}");
    }
}
