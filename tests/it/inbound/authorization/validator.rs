//! Tokens that no key set knows, and a validator that does.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use http::Method;
use tower_rotating_auth::inbound::policy::RoutePolicy;
use tower_rotating_auth::inbound::{
    CertificateDigest, KeyRecord, KeySet, Principal, RequestScheme, RequireKeyLayer, SecureOnly,
    Validator, Validity,
};
use tower_rotating_auth::keyring::NewKey;
use tower_rotating_auth::{Rotating, Secret};

use super::{Answer, HERE, from, routes, send, serve};
use crate::inbound::keys::{self, EXPIRED, REVOKED, UNKNOWN, VALID};

/// A validator that judges a token by its text, and notes what it was asked.
#[derive(Clone, Default)]
struct ByText(Arc<Mutex<Vec<String>>>);

impl ByText {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Validator for ByText {
    async fn validate(&self, token: &Secret) -> Validity {
        let text = String::from_utf8(token.expose_secret().to_vec()).unwrap();
        self.0.lock().unwrap().push(text.clone());
        let record = |scopes: &str| {
            let (id, client) = ("jwt".parse().unwrap(), text.parse().unwrap());
            KeyRecord::new(id, client, scopes.parse().unwrap())
        };
        match &*text {
            "writer" => Validity::Valid(record("chat:write")),
            "reader" => Validity::Valid(record("")),
            "late" => Validity::Valid(record("").with_not_after(SystemTime::UNIX_EPOCH)),
            "bound" => Validity::Valid(record("").with_certificate(CertificateDigest::of_der(b""))),
            "lost" => Validity::Unavailable {
                retry_after: Duration::from_secs(7),
            },
            "slow" => std::future::pending().await,
            _ => Validity::Invalid,
        }
    }
}

async fn ask(url: &str, token: &str) -> Answer {
    send(from(HERE).get(url).bearer_auth(token)).await
}

fn require() -> RequireKeyLayer {
    let (keys, publisher) = Rotating::manual(keys::keys());
    drop(publisher);
    let policy = RoutePolicy::new()
        .public(Method::GET, "/public")
        .and_then(|policy| policy.deny(Method::GET, "/never"))
        .and_then(|policy| policy.required(Method::GET, "/chat", "chat:write".parse().unwrap()));
    RequireKeyLayer::new(keys).policy(policy.unwrap())
}

#[tokio::test]
async fn verdict_decides_about_unknown_tokens() {
    let validator = ByText::default();
    let layer = require().check_format(NewKey::is_plausible);
    let layer = layer.validator(validator.clone()).timeout(Duration::ZERO);
    let url = serve(routes().layer(layer), |_| {}).await;
    let chat = format!("{url}/chat");
    assert_eq!(ask(&chat, "writer").await.body, "writer");
    assert_eq!(ask(&chat, "reader").await.status, 403);
    assert_eq!(ask(&url, "reader").await.body, "reader");
    let invalid = ask(&url, UNKNOWN).await;
    assert_eq!(invalid.status, 401);
    for token in ["late", "bound"] {
        assert_eq!(ask(&url, token).await, invalid, "{token}");
    }
    for token in ["lost", "slow"] {
        let unavailable = ask(&url, token).await;
        assert_eq!((unavailable.status, &*unavailable.challenge), (503, ""));
    }
    assert_eq!(validator.asked().len(), 8);
}

#[tokio::test]
async fn validator_is_asked_only_where_it_counts() {
    let validator = ByText::default();
    let url = serve(
        routes().layer(require().validator(validator.clone())),
        |_| {},
    )
    .await;
    assert_eq!(ask(&url, VALID).await.body, "valid");
    for (path, token, status) in [
        ("/", EXPIRED, 401),
        ("/", REVOKED, 401),
        ("/", "a b", 401),
        ("/public", "writer", 200),
        ("/never", "writer", 403),
    ] {
        assert_eq!(
            ask(&format!("{url}{path}"), token).await.status,
            status,
            "{path} {token}"
        );
    }
    assert_eq!(send(from(HERE).get(&url)).await.status, 401);
    let none: [&str; 0] = [];
    assert_eq!(validator.asked(), none);
    let secure = require()
        .secure_only(SecureOnly::new())
        .validator(validator.clone());
    let clear = serve(routes().layer(secure), |extensions| {
        extensions.insert(RequestScheme::Http);
    });
    assert_eq!(ask(&clear.await, "writer").await.status, 403);
    assert_eq!(validator.asked(), none);
}

#[tokio::test]
async fn validated_caller_outlives_a_new_key_set() {
    let (keys, mut publisher) = Rotating::manual(keys::keys());
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let layer = RequireKeyLayer::new(keys).on_principal(move |principal: &Principal| {
        *keep.lock().unwrap() = Some(principal.clone());
    });
    let url = serve(routes().layer(layer.validator(ByText::default())), |_| {}).await;
    assert_eq!(ask(&url, "reader").await.status, 200);
    publisher.publish(KeySet::empty());
    let principal = kept.lock().unwrap().take().unwrap();
    assert!(principal.ended().now_or_never().is_none());
    assert_eq!(principal.key().unwrap().key_id().as_str(), "jwt");
}
