//! The scopes and roles of clients and their keys, in a key file.

use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::policy::RoutePolicy;
use tower_rotating_auth::inbound::{
    KeyDigest, KeySet, KeySetErrorKind, RequireKeyLayer, RequireScopesLayer, Requirement,
};

use super::{routes, send, serve, status};
use crate::inbound::keys::{ADMIN, EARLY, VALID};

/// Returns a key file with these clients and keys.
fn file(keys: &[(&str, &str, &str)]) -> String {
    let mut file = String::from(
        r#"
        version = 1
        [[role]]
        id = "reader"
        scopes = ["models:read"]
        [[role]]
        id = "auditor"
        scopes = ["models:read"]
        [[role]]
        id = "operator"
        scopes = ["models:read", "models:write"]
        [[client]]
        id = "webapp"
        scopes = ["chat"]
        roles = ["reader"]
        [[client]]
        id = "ops"
        roles = ["operator", "reader"]
        "#,
    );
    for (token, client, fields) in keys {
        let digest = KeyDigest::of(token.as_bytes()).to_text();
        file += &format!(
            "[[key]]\nid = \"{token}\"\nclient = \"{client}\"\ndigest = \"{digest}\"\n{fields}\n"
        )
        .replace(
            &format!("id = \"{token}\""),
            &format!("id = \"of-{client}-{}\"", file.len()),
        );
    }
    file
}

#[tokio::test]
async fn key_has_the_roles_of_its_client_or_a_part() {
    let keys = KeySet::from_toml(&file(&[
        (VALID, "webapp", ""),
        (ADMIN, "ops", ""),
        (EARLY, "ops", "roles = [\"reader\"]"),
    ]));
    let (keys, _publisher) = Rotating::manual(keys.unwrap());
    let operators = Requirement::new().role("operator".parse().unwrap());
    let policy = RoutePolicy::new()
        .required(http::Method::GET, "/read", "models:read".parse().unwrap())
        .and_then(|policy| policy.required(http::Method::GET, "/operate", operators));
    let require = RequireKeyLayer::new(keys).policy(policy.unwrap());
    let url = serve(routes().layer(require), |_| {}).await;
    for (key, read, operate) in [(VALID, 200, 403), (ADMIN, 200, 200), (EARLY, 200, 403)] {
        assert_eq!(status(&format!("{url}/read"), key).await, read);
        assert_eq!(status(&format!("{url}/operate"), key).await, operate);
    }
}

#[test]
fn key_exceeds_its_client_in_no_way() {
    for (fields, field) in [
        ("scopes = [\"models:write\"]", "scopes"),
        ("roles = [\"operator\"]", "roles"),
        // Its scopes are the client's, by another role.
        ("roles = [\"auditor\"]", "roles"),
        ("roles = [\"nobody\"]", "roles"),
        ("networks = []", "networks"),
        ("networks = [\"10.0.0.1/8\"]", "networks"),
        ("certificate = \"abc\"", "certificate"),
    ] {
        let error = KeySet::from_toml(&file(&[(VALID, "webapp", fields)])).unwrap_err();
        assert_eq!(error.kind(), KeySetErrorKind::InvalidField, "{fields}");
        assert_eq!(error.field(), Some(field), "{fields}");
    }
    assert!(KeySet::from_toml(&file(&[(VALID, "webapp", "scopes = [\"models:read\"]")])).is_ok());
}

#[tokio::test]
async fn layer_beside_a_route_knows_roles() {
    let keys = KeySet::from_toml(&file(&[
        (VALID, "webapp", ""),
        (ADMIN, "ops", ""),
        // All scopes of the route, and no role.
        (EARLY, "ops", "scopes = [\"models:read\", \"models:write\"]"),
    ]));
    let (keys, _publisher) = Rotating::manual(keys.unwrap());
    let operators = Requirement::new()
        .role("operator".parse().unwrap())
        .all_of("models:write".parse().unwrap());
    let router = routes()
        .layer(RequireScopesLayer::new(operators))
        .layer(RequireKeyLayer::new(keys));
    let url = serve(router, |_| {}).await;
    assert_eq!(status(&url, ADMIN).await, 200);
    let refused = send(super::from(super::HERE).get(&url).bearer_auth(VALID)).await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.challenge.ends_with("scope=\"models:write\""),
        "{refused:?}"
    );
    let refused = send(super::from(super::HERE).get(&url).bearer_auth(EARLY)).await;
    assert_eq!(refused.status, 403);
    assert!(!refused.challenge.contains(" scope="), "{refused:?}");
}

#[cfg(feature = "file")]
#[tokio::test]
async fn key_ring_keeps_what_a_file_says() {
    use tower_rotating_auth::keyring::{FileStore, IssueRequest, KeyRing, RotateRequest};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let limits = "roles = [\"reader\"]\nnetworks = [\"127.0.0.2\"]\n\
        certificate = \"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"";
    std::fs::write(&path, file(&[(VALID, "ops", limits)])).unwrap();
    let ring = KeyRing::start(FileStore::new(&path)).await.unwrap();
    let ops = "ops".parse().unwrap();
    let rotate = RotateRequest::with_grace(&ops, std::time::Duration::from_secs(60));
    ring.rotate(rotate).await.unwrap();
    let more = IssueRequest::new("webapp".parse().unwrap())
        .roles(["reader".parse().unwrap()])
        .networks("10.0.0.0/8".parse().unwrap());
    ring.issue(more).await.unwrap();
    ring.set_scopes(&ops, "chat".parse().unwrap())
        .await
        .unwrap();

    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("[[role]]").count(), 3, "{text}");
    assert!(
        text.contains("roles = [\"operator\", \"reader\"]"),
        "{text}"
    );
    let read = KeySet::from_toml(&text).unwrap();
    let mut kept = 0;
    for record in read.records() {
        assert_eq!(record.roles().len(), 1);
        assert_eq!(record.scopes().to_string(), "models:read");
        if record.client() == &ops {
            assert_eq!(record.networks().unwrap().to_string(), "127.0.0.2/32");
            assert!(record.certificate().is_some());
            kept += 1;
        } else {
            assert_eq!(record.networks().unwrap().to_string(), "10.0.0.0/8");
        }
    }
    assert_eq!(kept, 2);
}
