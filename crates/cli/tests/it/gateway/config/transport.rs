//! The ways to an upstream: cleartext, a Unix socket, TLS with a private CA.

use std::sync::{Arc, Mutex};

use axum::Router;
use http::StatusCode;
use http::header::{CONNECTION, HOST};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

use super::{Folder, configured, status};
use crate::gateway::harness::{Recorder, ended};

#[tokio::test]
async fn cleartext_upstream_is_allowed_by_its_table() {
    let (upstream, recorder) = Recorder::start().await;
    // Not a loopback address by name, though it leads to this machine.
    let url = format!("http://0.0.0.0:{}/v1", upstream.port());
    let table = format!("[[upstream]]\nurl = \"{url}\"\nkey_file = \"DIR/key\"\n");
    let folder = Folder::new(&table);
    folder.write("key", "sk-1");
    let file = folder.config();
    let (code, _, stderr) = ended(["--config", file.to_str().unwrap()], &[]).await;
    assert_eq!(code, Some(2), "{stderr}");
    folder.write("gateway.toml", &format!("{table}cleartext = true\n"));
    let gateway = configured(&file).await;
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
    assert_eq!(recorder.only().head.headers["authorization"], "Bearer sk-1");
}

#[tokio::test]
async fn unix_socket_is_an_upstream() {
    let folder =
        Folder::new("[[upstream]]\nurl = \"unix:DIR/server.sock:/v1\"\nkey_file = \"DIR/key\"\n");
    folder.write("key", "sk-1");
    let listener = UnixListener::bind(folder.path("server.sock")).unwrap();
    let app = Router::new().fallback(async |request: axum::extract::Request| {
        format!(
            "{} {:?} {:?}",
            request.uri(),
            request.headers()[HOST],
            request.headers()["authorization"]
        )
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let gateway = configured(&folder.config()).await;
    let answer = reqwest::get(gateway.url("/v1/models?a=b")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let text = answer.text().await.unwrap();
    assert!(text.starts_with("/v1/models?a=b \"localhost\" "), "{text}");
}

/// The certificates that clients presented.
type Presented = Arc<Mutex<Vec<CertificateDer<'static>>>>;

/// Serves over TLS with a certificate for `localhost`, one request on each connection. Returns the
/// port.
async fn serve_tls(config: ServerConfig) -> (u16, Presented) {
    let presented = Presented::default();
    let seen = Arc::clone(&presented);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
                seen.lock().unwrap().extend(certificates.first().cloned());
                let app = Router::new().fallback(async || ([(CONNECTION, "close")], "over TLS"));
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let service = TowerToHyperService::new(app);
                drop(server.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    (port, presented)
}

#[tokio::test]
async fn private_ca_is_trusted_alone() {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    let (port, _presented) = serve_tls(config).await;
    let table = |ca: &str| {
        format!("[[upstream]]\nurl = \"https://localhost:{port}\"\nkey_file = \"DIR/key\"\n{ca}")
    };
    let folder = Folder::new(&table("ca = \"DIR/other.pem\"\n"));
    folder.write("key", "sk-1");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    folder.write("other.pem", &other.cert.pem());
    folder.write("ca.pem", &issued.cert.pem());
    let gateway = configured(&folder.config()).await;
    assert_eq!(
        status(&gateway, "/v1/models").await,
        StatusCode::BAD_GATEWAY
    );
    folder.write("gateway.toml", &table("ca = \"DIR/ca.pem\"\n"));
    super::applied(&gateway, 1, 0).await;
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
    // The same file with another certificate is another CA, after the next reload.
    folder.write("ca.pem", &other.cert.pem());
    gateway.hang_up().await;
    super::applied(&gateway, 2, 0).await;
    assert_eq!(
        status(&gateway, "/v1/models").await,
        StatusCode::BAD_GATEWAY
    );

    for broken in ["missing.pem", "key"] {
        folder.write("gateway.toml", &table(&format!("ca = \"DIR/{broken}\"\n")));
        let file = folder.config();
        let (code, _, stderr) = ended(["--config", file.to_str().unwrap()], &[]).await;
        assert_eq!(code, Some(2), "{broken}: {stderr}");
        assert!(stderr.contains("gateway.toml:4: ca: "), "{stderr}");
    }
}

/// A CA, and certificates that it issues.
struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let issuer = rcgen::Issuer::new(params, key);
        Self {
            issuer,
            certificate,
        }
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, rcgen::KeyPair) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

#[tokio::test]
async fn renewed_client_certificate_is_presented() {
    let authority = Authority::new();
    let (server, server_key) = authority.issue("localhost");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.certificate.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    // It issues tickets, by which a client could go on with its old certificate.
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![server.der().clone()],
            PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let (port, presented) = serve_tls(config).await;
    let folder = Folder::new(&format!(
        "[[upstream]]\nname = \"a\"\nurl = \"https://localhost:{port}\"\nkey_file = \"DIR/key\"\n\
         ca = \"DIR/ca.pem\"\ntls_cert = \"DIR/cert.pem\"\ntls_key = \"DIR/cert-key.pem\"\n"
    ));
    folder.write("key", "sk-1");
    folder.write("ca.pem", &authority.certificate.pem());
    let write = |name: &str| {
        let (certificate, key) = authority.issue(name);
        folder.write("cert-key.pem", &key.serialize_pem());
        folder.write("cert.pem", &certificate.pem());
        certificate.der().clone()
    };
    let first = write("first.example");
    let gateway = configured(&folder.config()).await;
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
    assert_eq!(presented.lock().unwrap().last(), Some(&first));
    let second = write("second.example");
    gateway
        .said("upstream-tls/a-certificate is at generation 2")
        .await;
    assert_eq!(status(&gateway, "/v1/models").await, StatusCode::OK);
    assert_eq!(presented.lock().unwrap().last(), Some(&second));
}
