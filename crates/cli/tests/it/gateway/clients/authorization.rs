//! The rights of clients with a valid key.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tempfile::{NamedTempFile, TempDir, tempdir};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_rotating_auth::inbound::{CertificateDigest, KeyDigest};

use crate::gateway::harness::{Gateway, KEY, Recorder, default_mode, soon};

const READER: &str = "reader-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
const WRITER: &str = "writer-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";

/// A folder with the files of a gateway.
struct Folder(TempDir);

impl Folder {
    fn new(keys: &[(&str, &str, &str)]) -> Self {
        let folder = Self(tempdir().unwrap());
        let mut text = "version = 1\n[[role]]\nid = \"writing\"\nscopes = [\"chat\"]\n".to_owned();
        text += "[[client]]\nid = \"reader\"\n[[client]]\nid = \"writer\"\nroles = [\"writing\"]\n";
        for (key, client, more) in keys {
            let digest = KeyDigest::of(key.as_bytes()).to_text();
            text += &format!(
                "[[key]]\nid = \"of-{client}\"\nclient = \"{client}\"\ndigest = \"{digest}\"\n{more}\n"
            );
        }
        folder.write("keys.toml", &text);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let file = NamedTempFile::new_in(&self.0).unwrap();
        fs::write(&file, text).unwrap();
        file.persist(self.path(name)).unwrap();
    }

    async fn gateway(&self, arguments: &[(&str, &str)], files: &[(&str, &str)]) -> Gateway {
        let (upstream, _) = Recorder::start().await;
        Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
            command.env_remove("GATEWAY_MODE");
            command.arg("--client-keys").arg(self.path("keys.toml"));
            for (option, value) in arguments {
                command.args([option, value]);
            }
            for (option, name) in files {
                command.arg(option).arg(self.path(name));
            }
        })
        .await
    }
}

async fn status(gateway: &Gateway, path: &str, key: &str, header: (&str, &str)) -> u16 {
    let request = reqwest::Client::new().get(gateway.url(path));
    let request = request.bearer_auth(key).header(header.0, header.1);
    soon(request.send()).await.unwrap().status().as_u16()
}

const NO_HEADER: (&str, &str) = ("x-none", "");

fn policy(requirement: &str) -> String {
    format!("version = 1\n[[route]]\nmethods = [\"GET\"]\npath = \"/v1/models\"\n{requirement}\n")
}

#[tokio::test]
async fn policy_file_authorizes_and_reloads() {
    let folder = Folder::new(&[(READER, "reader", ""), (WRITER, "writer", "")]);
    folder.write(
        "policy.toml",
        &policy("access = \"required\"\nroles = [\"writing\"]"),
    );
    let gateway = folder.gateway(&[], &[("--policies", "policy.toml")]).await;
    let asked = async |path: &str, key| status(&gateway, path, key, NO_HEADER).await;
    let status = async |key| asked("/v1/models", key).await;
    assert_eq!((status(READER).await, status(WRITER).await), (403, 200));
    // No other path leads to the same one of the upstream.
    for path in ["/models", "/models/", "//models"] {
        assert_eq!(asked(path, READER).await, 404, "{path}");
    }

    folder.write("policy.toml", "[[route]]");
    gateway.said("keeping policies").await;
    assert_eq!((status(READER).await, status(WRITER).await), (403, 200));
    folder.write(
        "policy.toml",
        &policy("access = \"required\"\nclients = [\"reader\"]"),
    );
    gateway.said("policies is at generation 2").await;
    assert_eq!((status(READER).await, status(WRITER).await), (200, 403));
}

#[tokio::test]
async fn production_mode_refuses_policies_that_open_routes() {
    let folder = Folder::new(&[(READER, "reader", "")]);
    folder.write("policy.toml", &policy("access = \"public\""));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let keys = text(&folder.path("keys.toml"));
    let policy = text(&folder.path("policy.toml"));
    let arguments = |more: &[&str]| {
        let all = [
            "--upstream=https://api.example.com/v1",
            "--listen=127.0.0.1:0",
        ];
        let all = all
            .into_iter()
            .chain(["--client-keys", &keys, "--policies", &policy]);
        let all = all.chain(more.iter().copied()).map(str::to_owned);
        all.collect::<Vec<_>>()
    };
    let variables = [("OPENAI_API_KEY", KEY)];
    let (code, _, stderr) = default_mode(arguments(&[]), &variables).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("--mode mixed"), "{stderr}");
    let two = ["--mode", "mixed", "--public", "GET:/v1/models"];
    let (code, _, stderr) = default_mode(arguments(&two), &variables).await;
    assert_eq!(code, Some(2), "{stderr}");

    let gateway = folder
        .gateway(&[("--mode", "mixed")], &[("--policies", "policy.toml")])
        .await;
    let url = gateway.url("/v1/models");
    assert_eq!(soon(reqwest::get(url)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn networks_go_by_trusted_proxies() {
    let folder = Folder::new(&[
        (READER, "reader", "networks = [\"127.0.0.0/8\"]"),
        (WRITER, "writer", "networks = [\"192.0.2.0/24\"]"),
    ]);
    let forwarded = ("x-forwarded-for", "192.0.2.7");
    let direct = folder.gateway(&[], &[]).await;
    assert_eq!(status(&direct, "/v1/models", READER, forwarded).await, 200);
    assert_eq!(status(&direct, "/v1/models", WRITER, forwarded).await, 403);
    let behind = folder
        .gateway(&[("--trusted-proxy", "127.0.0.1")], &[])
        .await;
    assert_eq!(status(&behind, "/v1/models", READER, forwarded).await, 403);
    assert_eq!(status(&behind, "/v1/models", WRITER, forwarded).await, 200);
    assert_eq!(status(&behind, "/v1/models", READER, NO_HEADER).await, 403);
}

#[tokio::test]
async fn secure_only_refuses_keys_that_came_without_tls() {
    let folder = Folder::new(&[(READER, "reader", "")]);
    let (upstream, _) = Recorder::start().await;
    let gateway = Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--client-keys").arg(folder.path("keys.toml"));
        command.args(["--trusted-proxy=127.0.0.1", "--secure-only"]);
    })
    .await;
    let status = async |key, scheme| {
        status(&gateway, "/v1/models", key, ("x-forwarded-proto", scheme)).await
    };
    assert_eq!(status(READER, "https").await, 200);
    assert_eq!(
        status("unknown-key-of-nobody-0123456789", "https").await,
        401
    );
    assert_eq!(status(READER, "http").await, 403);
    assert_eq!(
        status("unknown-key-of-nobody-0123456789", "http").await,
        403
    );
    let warning = gateway.said("disclosed: key of-reader of reader").await;
    assert!(!warning.contains(READER), "{warning}");
    let keys = folder.path("keys.toml");
    let arguments = [
        "--upstream=https://api.example.com/v1",
        "--listen=127.0.0.1:0",
        "--secure-only",
        "--client-keys",
        keys.to_str().unwrap(),
    ];
    let (code, _, stderr) = default_mode(arguments, &[("OPENAI_API_KEY", KEY)]).await;
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("--trusted-proxy"), "{stderr}");
}

/// A certificate and its key.
struct Shown(CertificateDer<'static>, PrivateKeyDer<'static>);

/// An authority, and a function that issues certificates of clients.
fn authority() -> (String, impl Fn() -> Shown) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let issue = move || {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::default();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Shown(certificate.der().clone(), key)
    };
    (certificate, issue)
}

/// Returns a client that trusts a server, and shows a certificate if there is one.
fn client(server: &CertificateDer<'static>, shown: Option<&Shown>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(server.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        Some(Shown(certificate, key)) => config
            .with_client_auth_cert(vec![certificate.clone()], key.clone_key())
            .unwrap(),
        None => config.with_no_client_auth(),
    };
    TlsConnector::from(Arc::new(config))
}

/// Returns a connection; `None` if the handshake fails.
async fn connect(gateway: &Gateway, client: &TlsConnector) -> Option<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(gateway.address()).await.unwrap();
    let name = "localhost".try_into().unwrap();
    soon(client.connect(name, stream)).await.ok()
}

/// Returns the status of a request on a connection; `None` if the gateway closes it.
async fn ask(stream: &mut TlsStream<TcpStream>, key: &str) -> Option<u16> {
    let request = format!(
        "HEAD /v1/models HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n"
    );
    soon(stream.write_all(request.as_bytes())).await.ok()?;
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await.ok()?);
    }
    std::str::from_utf8(&head[9..12]).unwrap().parse().ok()
}

/// Returns the status of a request over TLS; `None` if the gateway takes no connection.
async fn over_tls(
    gateway: &Gateway,
    server: &CertificateDer<'static>,
    shown: Option<&Shown>,
    key: &str,
) -> Option<u16> {
    let mut stream = connect(gateway, &client(server, shown)).await?;
    ask(&mut stream, key).await
}

#[tokio::test]
async fn key_needs_its_client_certificate() {
    let (ca, issue) = authority();
    let (_, issue_elsewhere) = authority();
    let (ours, other, foreign) = (issue(), issue(), issue_elsewhere());
    let digest = CertificateDigest::of_der(&ours.0);
    let folder = Folder::new(&[
        (READER, "reader", &format!("certificate = \"{digest}\"")),
        (WRITER, "writer", ""),
    ]);
    let server = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    folder.write("cert.pem", &server.cert.pem());
    folder.write("key.pem", &server.signing_key.serialize_pem());
    folder.write("ca.pem", &ca);
    let files = [
        ("--tls-cert", "cert.pem"),
        ("--tls-key", "key.pem"),
        ("--client-ca", "ca.pem"),
    ];
    for (rule, without) in [("optional", Some(200)), ("required", None)] {
        let gateway = folder
            .gateway(&[("--client-certificate", rule)], &files)
            .await;
        let ask = async |shown, key| over_tls(&gateway, server.cert.der(), shown, key).await;
        assert_eq!(ask(Some(&ours), READER).await, Some(200), "{rule}");
        assert_eq!(ask(Some(&other), READER).await, Some(401), "{rule}");
        assert_eq!(ask(Some(&other), WRITER).await, Some(200), "{rule}");
        assert_eq!(ask(None, WRITER).await, without, "{rule}");
        assert_eq!(ask(Some(&foreign), WRITER).await, None, "{rule}");
    }
}

#[tokio::test]
async fn issued_key_has_its_restrictions() {
    let folder = Folder::new(&[(WRITER, "writer", "")]);
    let file = folder.path("keys.toml");
    let digest = CertificateDigest::of_der(b"certificate").to_string();
    let command = tokio::process::Command::new(crate::PROGRAM)
        .args(["key", "issue", "--client", "writer", "--role", "writing"])
        .args([
            "--network",
            "10.0.0.0/8,127.0.0.1",
            "--certificate",
            &digest,
        ])
        .arg("--file")
        .arg(&file)
        .output();
    let output = soon(command).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = fs::read_to_string(&file).unwrap();
    let keys = tower_rotating_auth::inbound::KeySet::from_toml(&text).unwrap();
    let mut issued = keys.records().filter(|key| key.networks().is_some());
    let issued = issued.next().unwrap();
    assert_eq!(
        issued.networks().unwrap().to_string(),
        "10.0.0.0/8 127.0.0.1/32"
    );
    assert_eq!(issued.certificate().unwrap().to_string(), digest);
    assert_eq!(issued.roles()[0].as_str(), "writing");
}

#[tokio::test]
async fn removed_authority_ends_its_certificates() {
    let [(old_ca, issue_old), (new_ca, issue_new)] = [authority(), authority()];
    let (old, new) = (issue_old(), issue_new());
    let folder = Folder::new(&[
        (READER, "reader", ""),
        (
            WRITER,
            "writer",
            &format!("certificate = \"{}\"", CertificateDigest::of_der(&old.0)),
        ),
    ]);
    let server = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    folder.write("cert.pem", &server.cert.pem());
    folder.write("key.pem", &server.signing_key.serialize_pem());
    folder.write("ca.pem", &format!("{old_ca}{new_ca}"));
    let files = [
        ("--tls-cert", "cert.pem"),
        ("--tls-key", "key.pem"),
        ("--client-ca", "ca.pem"),
    ];
    let gateway = folder
        .gateway(&[("--client-certificate", "optional")], &files)
        .await;
    // One client each, which resumes its sessions if the gateway lets it.
    let [of_old, of_new, of_none] =
        [Some(&old), Some(&new), None].map(|shown| client(server.cert.der(), shown));
    let mut open = vec![];
    for (client, key) in [(&of_old, WRITER), (&of_new, READER), (&of_none, READER)] {
        let mut stream = connect(&gateway, client).await.unwrap();
        assert_eq!(ask(&mut stream, key).await, Some(200));
        open.push(stream);
    }

    folder.write("ca.pem", &new_ca);
    gateway.said("client-ca is at generation 2").await;
    let again = match connect(&gateway, &of_old).await {
        Some(mut stream) => ask(&mut stream, WRITER).await,
        None => None,
    };
    assert_eq!(again, None);
    // Nor is a session resumed whose certificate holds: each handshake verifies it again.
    let second = connect(&gateway, &of_new).await.unwrap();
    let kind = second.get_ref().1.handshake_kind();
    assert_eq!(kind, Some(HandshakeKind::Full));
    let mut rest = vec![];
    soon(open[0].read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, b"", "the open connection ends");
    for stream in &mut open[1..] {
        assert_eq!(ask(stream, READER).await, Some(200), "others stay open");
    }
}
