//! Uses of tokens that a validator accepts.

use tower::{Layer, ServiceExt, service_fn};
use tower_rotating_auth::inbound::{KeyRecord, KeySet, RequireKeyLayer, Validator, Verdict};
use tower_rotating_auth::{Rotating, Secret};

use super::{audit, with};

/// Accepts a token that has the name of a client, as a new record each time.
struct ByName;

impl Validator for ByName {
    async fn validate(&self, token: &Secret) -> Verdict {
        let client = str::from_utf8(token.expose_secret()).unwrap();
        match client {
            "nobody" => Verdict::Invalid,
            _ => Verdict::Valid(KeyRecord::new(
                format!("token-of-{client}").parse().unwrap(),
                client.parse().unwrap(),
                "chat".parse().unwrap(),
            )),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn validated_token_is_used_once_a_minute() {
    let (audit, lines) = audit();
    let (keys, publisher) = Rotating::manual(KeySet::empty());
    let layer = RequireKeyLayer::new(keys).observer(audit.observer());
    let layer = layer.validator(ByName);
    let service = layer.layer(service_fn(async |_| {
        Ok::<_, std::convert::Infallible>(http::Response::<String>::default())
    }));
    for (token, status) in [
        ("alice", 200),
        ("alice", 200),
        ("bob", 200),
        ("nobody", 401),
    ] {
        let response = service
            .clone()
            .oneshot(with("/v1/models?page=2", token, "req-1"));
        assert_eq!(response.await.unwrap().status(), status);
    }
    drop((service, layer, publisher, audit));

    let lines = lines.json();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| ["event", "client", "key_id", "route", "request_id"].map(|field| &line[field]))
        .collect();
    let used = |client, key| ["used", client, key, "/v1/models", "req-1"];
    assert_eq!(
        seen[..2],
        [used("alice", "token-of-alice"), used("bob", "token-of-bob")]
    );
    assert_eq!((seen.len(), seen[2][0]), (3, &"refused".into()));
}
