//! Certificates that keys are bound to, and other second factors.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::ConnectInfo;
use tower_rotating_auth::Rotating;
use tower_rotating_auth::inbound::{CertificateDigest, ClientCertificate, RequireKeyLayer};

use super::{HERE, Note, from, routes, send, serve};
use crate::inbound::keys::{self, ADMIN, UNKNOWN, VALID, record, set};

const OURS: &[u8] = b"our certificate";

#[tokio::test]
async fn key_is_bound_to_its_certificate() {
    let bound = record("valid", "").with_certificate(CertificateDigest::of_der(OURS));
    let (keys, _publisher) = Rotating::manual(set([(VALID, bound), (ADMIN, record("admin", ""))]));
    let require = RequireKeyLayer::new(keys);
    let connections: [(Note, u16); 3] = [
        (
            |extensions| {
                extensions.insert(ClientCertificate::from_der(OURS));
            },
            200,
        ),
        (
            |extensions| {
                extensions.insert(ClientCertificate::from_der(b"another"));
            },
            401,
        ),
        (|_| {}, 401),
    ];
    for (note, status) in connections {
        let url = serve(routes().layer(require.clone()), note).await;
        let ask = async |key| send(from(HERE).get(&url).bearer_auth(key)).await;
        let answer = ask(VALID).await;
        assert_eq!(answer.status, status);
        // The response does not tell that the key itself is right.
        if status == 401 {
            assert_eq!(answer, ask(UNKNOWN).await);
        }
        assert_eq!(ask(ADMIN).await.body, "admin");
    }
}

#[tokio::test]
async fn certificate_counts_for_each_request_of_a_connection() {
    static HOLDS: AtomicBool = AtomicBool::new(true);
    let bound = record("valid", "").with_certificate(CertificateDigest::of_der(OURS));
    let (keys, _publisher) = Rotating::manual(set([(VALID, bound), (ADMIN, record("admin", ""))]));
    let port = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.port().to_string();
    let routes = Router::new().fallback(port);
    // A server that verifies the certificate of an open connection again.
    let url = serve(routes.layer(RequireKeyLayer::new(keys)), |extensions| {
        if HOLDS.load(Ordering::Relaxed) {
            extensions.insert(ClientCertificate::from_der(OURS));
        }
    })
    .await;
    let client = from(HERE);
    let ask = async |key| send(client.get(&url).bearer_auth(key)).await;
    let before = ask(VALID).await;
    assert_eq!(before.status, 200);
    HOLDS.store(false, Ordering::Relaxed);
    assert_eq!(ask(VALID).await.status, 401);
    // Another key, on the same connection.
    assert_eq!(ask(ADMIN).await, before);
    HOLDS.store(true, Ordering::Relaxed);
    assert_eq!(ask(VALID).await, before);
}

#[tokio::test]
async fn second_factor_of_the_application_counts() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let require = RequireKeyLayer::new(keys).second_factor(|key, headers, _| {
        let said = headers.get("x-otp").map(http::HeaderValue::as_bytes);
        said == Some(key.client().as_str().as_bytes())
    });
    let url = serve(routes().layer(require), |_| {}).await;
    let ask = async |key, otp| {
        let request = from(HERE).get(&url).bearer_auth(key).header("x-otp", otp);
        send(request).await
    };
    assert_eq!(ask(VALID, "valid").await.body, "valid");
    let refused = ask(VALID, "admin").await;
    assert_eq!(refused, ask(UNKNOWN, "admin").await);
    assert_eq!(refused.status, 401);
}
