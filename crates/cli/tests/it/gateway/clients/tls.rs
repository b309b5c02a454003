//! TLS with a certificate that is renewed while the gateway runs.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::{StatusCode, Version};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tempfile::{NamedTempFile, TempDir, tempdir};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::gateway::harness::{Gateway, Http2, KEY, Recorder, ended, soon};

/// A certificate for `localhost` that says so itself, and its key.
struct Issued {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Issued {
    fn new() -> Self {
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self {
            certificate: issued.cert.pem(),
            key: issued.signing_key.serialize_pem(),
            der: issued.cert.der().clone(),
        }
    }
}

/// The two files.
struct Files(TempDir);

impl Files {
    fn new(issued: &Issued) -> Self {
        let files = Self(tempdir().unwrap());
        files.write("cert.pem", &issued.certificate);
        files.write("key.pem", &issued.key);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let file = NamedTempFile::new_in(&self.0).unwrap();
        fs::write(&file, text).unwrap();
        file.persist(self.path(name)).unwrap();
    }

    async fn gateway(&self) -> Gateway {
        let (upstream, _) = Recorder::start().await;
        Gateway::with_key(&format!("http://{upstream}"), |command| {
            command.arg("--tls-cert").arg(self.path("cert.pem"));
            command.arg("--tls-key").arg(self.path("key.pem"));
            command.args(["--poll-interval", "0.5"]);
        })
        .await
    }
}

/// A connection of a client that trusts this certificate and no other.
async fn connect(address: SocketAddr, trusted: &Issued) -> std::io::Result<TlsStream<TcpStream>> {
    connect_for(address, trusted, &[]).await
}

/// The same, for one of these protocols.
async fn connect_for(
    address: SocketAddr,
    trusted: &Issued,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    soon(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

/// Returns whether a client that trusts this certificate is answered.
async fn answers(gateway: &Gateway, trusted: &Issued) -> bool {
    let Ok(mut stream) = connect(gateway.address(), trusted).await else {
        return false;
    };
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    true
}

#[cfg(unix)]
#[tokio::test]
async fn certificate_may_be_readable_by_everybody() {
    use std::os::unix::fs::PermissionsExt as _;

    let files = Files::new(&Issued::new());
    let open = |name| {
        let mode = fs::Permissions::from_mode(0o644);
        fs::set_permissions(files.path(name), mode).unwrap();
    };
    open("cert.pem");
    let gateway = files.gateway().await;
    let output = gateway.output();
    assert!(!output.contains("readable by everybody"), "{output}");
    open("key.pem");
    let warning = files.gateway().await.said("readable by everybody").await;
    assert!(warning.contains("key.pem"), "{warning}");
}

#[tokio::test]
async fn renewed_certificate_serves_next_connection() {
    let [first, second, third] = std::array::from_fn(|_| Issued::new());
    let files = Files::new(&first);
    let gateway = files.gateway().await;
    assert!(gateway.said("listening on ").await.contains("https://"));
    assert!(answers(&gateway, &first).await);
    assert!(!answers(&gateway, &second).await);
    let mut open = connect(gateway.address(), &first).await.unwrap();

    files.write("cert.pem", &second.certificate);
    gateway.said("keeping tls-certificate").await;
    assert!(answers(&gateway, &first).await, "half a pair is none");
    files.write("key.pem", &second.key);
    gateway.said("tls-certificate is at generation 2").await;
    assert!(answers(&gateway, &second).await);
    assert!(!answers(&gateway, &first).await);

    files.write("key.pem", &third.key);
    gateway.said("tls-key is at generation 3").await;
    assert!(answers(&gateway, &second).await, "half a pair is none");
    files.write("cert.pem", &third.certificate);
    gateway.said("tls-certificate is at generation 3").await;
    assert!(answers(&gateway, &third).await);

    let request = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    open.write_all(request).await.unwrap();
    let mut answer = String::new();
    soon(open.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\"tls-certificate\""), "{answer}");
    assert!(!gateway.output().contains("PRIVATE"), "no key is told");
}

#[tokio::test]
async fn client_chooses_its_protocol() {
    let issued = Issued::new();
    let gateway = Files::new(&issued).gateway().await;
    for (offered, chosen) in [
        (&[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = connect_for(gateway.address(), &issued, offered).await;
        let stream = stream.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
        if chosen == Some(b"h2") {
            let mut client = Http2::over(stream).await;
            let (head, _) = client.get("https://localhost/healthz", &[]).await;
            assert_eq!(
                (head.status, head.version),
                (StatusCode::OK, Version::HTTP_2)
            );
        }
    }
}

#[tokio::test]
async fn early_answer_reaches_a_client_over_tls() {
    let issued = Issued::new();
    let files = Files::new(&issued);
    let (upstream, _) = Recorder::start().await;
    let gateway = Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.env("CLIENT_KEYS", "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
        command.arg("--tls-cert").arg(files.path("cert.pem"));
        command.arg("--tls-key").arg(files.path("key.pem"));
    })
    .await;
    let length = 2 * 1024 * 1024;
    let head = format!("POST /v1 HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    for _ in 0..5 {
        let mut client = connect(gateway.address(), &issued).await.unwrap();
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(&vec![b'a'; length]).await.unwrap();
        client.flush().await.unwrap();
        let mut answer = vec![0; 13];
        soon(client.read_exact(&mut answer)).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 401 ");
    }
}

#[tokio::test]
async fn plaintext_client_gets_no_answer_and_blocks_nobody() {
    let issued = Issued::new();
    let gateway = Files::new(&issued).gateway().await;
    let silent = TcpStream::connect(gateway.address()).await.unwrap();
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let plain = {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        drop(soon(stream.read_to_end(&mut answer)).await);
        answer
    };
    assert!(!plain.starts_with(b"HTTP"), "{}", plain.escape_ascii());
    assert!(answers(&gateway, &issued).await);
    drop(silent);
}

#[tokio::test]
async fn unmatched_certificate_and_key_exit_with_1() {
    let [one, other] = std::array::from_fn(|_| Issued::new());
    let files = Files::new(&one);
    files.write("other.pem", &other.key);
    files.write("empty.pem", "no PEM");
    let file = |name: &str| files.path(name).to_str().unwrap().to_owned();
    for (certificate, key, why) in [
        ("cert.pem", "other.pem", "belongs to another key"),
        ("empty.pem", "key.pem", "no certificate in PEM format"),
        ("cert.pem", "empty.pem", "no private key in PEM format"),
        ("cert.pem", "missing.pem", "missing.pem"),
        ("missing.pem", "key.pem", "missing.pem"),
    ] {
        let (certificate, key) = (file(certificate), file(key));
        let arguments = [
            "--listen=127.0.0.1:0",
            "--upstream=https://api.example.com/v1",
            "--tls-cert",
            &certificate,
            "--tls-key",
            &key,
        ];
        let (code, stdout, stderr) = ended(arguments, &[("OPENAI_API_KEY", KEY)]).await;
        assert_eq!((code, &*stdout), (Some(1), ""), "{stderr}");
        assert!(stderr.contains(why), "{stderr}");
        let errors = stderr.lines().filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{stderr}");
    }
    for option in ["--tls-cert", "--tls-key"] {
        let arguments = ["--upstream=https://api.example.com/v1", option, "file"];
        let (code, _, stderr) = ended(arguments, &[("OPENAI_API_KEY", KEY)]).await;
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains("--tls-cert"), "{stderr}");
        assert!(stderr.contains("--tls-key"), "{stderr}");
    }
}
