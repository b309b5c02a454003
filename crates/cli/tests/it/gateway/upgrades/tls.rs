//! WebSockets to an upstream over TLS with a private CA.

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::*;

/// Starts an echo server over TLS that would rather have HTTP/2, which no upgrade can use. Returns
/// it with its certificate.
async fn secure_echo(key: &'static str) -> (Echo, String) {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let private = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], private)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let (count, open) = watch::channel(0);
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, count, acceptor) = (Arc::clone(&seen), count.clone(), acceptor.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, key, seen, count).await;
                }
            });
        }
    });
    let echo = Echo {
        address,
        heads,
        open,
    };
    (echo, issued.cert.pem())
}

/// Returns a gateway before that server, with `ONE` as the key of its client.
async fn gateway(folder: &Folder, echo: &Echo, ca: &str) -> Gateway {
    folder.write("ca.pem", ca);
    let base = format!("https://localhost:{}/v1", echo.address.port());
    Gateway::with_key(&base, |command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--client-keys").arg(folder.path("clients"));
        command.arg("--upstream-ca").arg(folder.path("ca.pem"));
    })
    .await
}

#[tokio::test]
async fn websocket_reaches_an_upstream_over_tls() {
    let (echo_server, certificate) = secure_echo(KEY).await;
    let folder = client_keys(&[ONE, TWO]);
    let gateway = gateway(&folder, &echo_server, &certificate).await;
    let [one, two] = [ONE, TWO].map(|key| format!("Bearer {key}"));
    let (mut http1, _) = open(&gateway, &[("authorization", &one)]).await.unwrap();
    let (mut http2, _) = open_http2(&gateway, &[("authorization", &two)])
        .await
        .unwrap();
    for text in ["a", "b"] {
        echo(&mut http1, text).await;
        echo(&mut http2, text).await;
    }
    // More than a TLS record holds.
    echo(&mut http1, &"x".repeat(100_000)).await;
    echo(&mut http2, &"x".repeat(100_000)).await;
    for head in echo_server.heads() {
        assert_eq!(head["authorization"], format!("Bearer {KEY}"));
        assert_eq!(head["upgrade"], "websocket");
    }
    echo_server.has_open(2).await;
    // A key that ends, ends its WebSocket at both ends, and no other.
    folder.write("clients", TWO);
    end(&mut http1).await;
    echo_server.has_open(1).await;
    echo(&mut http2, "c").await;
    http2.close(None).await.unwrap();
    echo_server.has_open(0).await;
}

#[tokio::test]
async fn websocket_to_an_untrusted_upstream_gets_502() {
    let (echo_server, _) = secure_echo(KEY).await;
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = client_keys(&[ONE]);
    let gateway = gateway(&folder, &echo_server, &other.cert.pem()).await;
    let bearer = format!("Bearer {ONE}");
    let headers = [("authorization", &*bearer)];
    assert_eq!(
        open(&gateway, &headers).await.err(),
        Some(StatusCode::BAD_GATEWAY)
    );
    assert_eq!(
        open_http2(&gateway, &headers).await.err(),
        Some(StatusCode::BAD_GATEWAY)
    );
    assert!(echo_server.heads().is_empty());
}
