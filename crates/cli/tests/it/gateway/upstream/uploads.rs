//! Request bodies, short and long.

use std::convert::Infallible;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tempfile::tempdir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::gateway::harness::{Gateway, Recorder, chunk, raw, raw_stream, serve, soon};

const KEPT: usize = 1024 * 1024;
/// Nearly as much as is kept, in bytes: the sockets may take all of it before the rejection comes.
const UPLOAD: usize = 1_000_000;

/// Bytes that show where a piece is missing, doubled or out of its place.
fn content(length: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_be_bytes).take(length).collect()
}

#[tokio::test]
async fn upload_arrives_byte_for_byte_in_any_framing() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    for length in [0, 1, 64 * 1024 + 1, KEPT, KEPT + 1, 5 * KEPT] {
        let body = content(length);
        let before = recorder.all().len();

        let client = reqwest::Client::new();
        let request = client.post(gateway.url("/v1/files")).body(body.clone());
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
        let seen = recorder.all().remove(before);
        assert!(seen.body == body, "{length}");
        if length > 0 {
            assert_eq!(seen.head.headers["content-length"], length.to_string());
        }

        let head = "POST /v1/files HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
            transfer-encoding: chunked\r\n\r\n";
        let mut chunked = head.as_bytes().to_vec();
        chunked.extend(body.chunks(50_000).flat_map(chunk));
        chunked.extend(chunk(b""));
        let answer = raw(gateway.address(), chunked).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(recorder.all()[before + 1].body == body, "{length}, chunked");
    }
}

#[tokio::test]
async fn missing_and_empty_bodies_stay_distinct() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    for (framing, length) in [("", None), ("content-length: 0\r\n", Some("0"))] {
        let before = recorder.all().len();
        let head =
            format!("POST /v1/x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{framing}\r\n");
        raw(gateway.address(), head).await;
        let headers = recorder.all().remove(before).head.headers;
        let found = headers
            .get("content-length")
            .map(|value| value.to_str().unwrap());
        assert_eq!(found, length);
        assert_eq!(headers.get("transfer-encoding"), None);
    }
}

#[tokio::test]
async fn a_long_upload_streams() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let upstream = serve(Router::new().fallback(async move |request: Request<Body>| {
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            arrived.send(frame.unwrap().into_data().unwrap()).unwrap();
        }
    }))
    .await;
    let gateway = Gateway::before(upstream).await;
    let body = content(2 * KEPT);
    let head = format!(
        "PUT /v1/files HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (first, last) = body.split_at(KEPT / 2);
    let mut client = raw_stream(gateway.address(), [head.as_bytes(), first].concat()).await;

    let mut came = 0;
    while came < first.len() {
        came += soon(arrivals.recv()).await.unwrap().len(); // although the rest has not been sent
    }
    client.write_all(last).await.unwrap();
    while came < body.len() {
        came += soon(arrivals.recv()).await.unwrap().len();
    }
}

#[tokio::test]
async fn broken_upload_reaches_upstream_as_broken() {
    let (sender, mut ends) = mpsc::unbounded_channel();
    let upstream = serve(Router::new().fallback(async move |request: Request<Body>| {
        let end = request.into_body().collect().await;
        sender.send(end.is_ok()).unwrap();
        Ok::<_, Infallible>(())
    }))
    .await;
    let gateway = Gateway::before(upstream).await;
    let head = format!(
        "PUT /v1/files HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        2 * KEPT
    );
    let beginning = [head.as_bytes(), &content(KEPT)].concat();
    drop(raw_stream(gateway.address(), beginning).await);
    assert_eq!(soon(ends.recv()).await, Some(false));
}

#[tokio::test]
async fn unreadable_upload_is_a_client_error() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    for length in [4, 2 * KEPT] {
        let head =
            "PUT /v1/files HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
        let body = chunk(&content(length));
        let request = [head.as_bytes(), &body, b"no chunk\r\n"].concat();
        let answer = raw(gateway.address(), request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains(r#""code":"invalid_body""#), "{answer}");
    }
    assert!(recorder.all().is_empty());
    assert!(
        !gateway.output().contains("upstream:"),
        "{}",
        gateway.output()
    );
}

#[tokio::test]
async fn upload_rejected_midway_is_replayed_whole() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "sk-old").unwrap();
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let rejects = file.clone();
    let upstream = serve(Router::new().fallback(async move |request: Request<Body>| {
        let is_new = request.headers()["authorization"] == "Bearer sk-new";
        let mut body = request.into_body();
        if !is_new {
            let mut came = 0;
            while came < KEPT / 2 {
                came += body
                    .frame()
                    .await
                    .unwrap()
                    .unwrap()
                    .into_data()
                    .unwrap()
                    .len();
            }
            std::fs::write(&rejects, "sk-new").unwrap();
            return StatusCode::UNAUTHORIZED;
        }
        let body = body.collect().await.unwrap();
        arrived.send(body.to_bytes()).unwrap();
        StatusCode::OK
    }))
    .await;
    let gateway = Gateway::start(|command| {
        command.args(["--upstream", &format!("http://{upstream}")]);
        command.arg("--upstream-key-file").arg(&file);
    })
    .await;
    let body = content(8 * KEPT);
    let head = format!(
        "PUT /v1/files HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (first, last) = body.split_at(KEPT / 2);
    let mut client = raw_stream(gateway.address(), [head.as_bytes(), first].concat()).await;
    gateway.said("replayed").await; // although the rest has not been sent
    client.write_all(last).await.unwrap();
    assert!(soon(arrivals.recv()).await.unwrap() == body);
    let mut answer = String::new();
    soon(client.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Rejects every key but the current one by the headers of an upload, and closes the connection.
/// The current key is in the file by then.
async fn rejects_and_closes(listener: TcpListener, file: PathBuf, current: watch::Receiver<u32>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (file, current) = (file.clone(), current.clone());
        tokio::spawn(async move {
            let mut came = Vec::with_capacity(1024);
            while !came.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                stream.read_buf(&mut came).await.unwrap();
            }
            let key = format!("sk-{}", *current.borrow());
            let head = String::from_utf8_lossy(&came).to_lowercase();
            if !head.contains(&format!("authorization: bearer {key}\r\n")) {
                std::fs::write(file, key).unwrap();
                let rejection = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(rejection).await.unwrap();
                return;
            }
            let mut left = UPLOAD - (came.len() - head.find("\r\n\r\n").unwrap() - 4);
            while left > 0 {
                came.clear();
                left -= stream.read_buf(&mut came).await.unwrap();
            }
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        });
    }
}

#[tokio::test]
async fn upload_rejected_with_a_close_is_replayed() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "sk-0").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let (rotate, current) = watch::channel(0);
    tokio::spawn(rejects_and_closes(listener, file.clone(), current));
    let gateway = Gateway::start(|command| {
        command.args(["--upstream", &format!("http://{upstream}")]);
        command.arg("--upstream-key-file").arg(&file);
    })
    .await;

    let uploads = std::env::var("EARLY_REJECTIONS").map_or(20, |number| number.parse().unwrap());
    let client = reqwest::Client::new();
    let body = Bytes::from(content(UPLOAD));
    let mut lost = 0;
    for _ in 0..uploads {
        rotate.send_modify(|key| *key += 1);
        let request = client.put(gateway.url("/v1/files")).body(body.clone());
        let answer = soon(request.send()).await;
        let replayed = answer.is_ok_and(|answer| answer.status() == StatusCode::OK);
        lost += u32::from(!replayed);
    }
    assert_eq!(lost, 0, "of {uploads}: {}", gateway.output());
}

#[tokio::test]
async fn slow_upload_is_no_upstream_timeout() {
    let (upstream, recorder) = Recorder::start().await;
    let limit = Duration::from_millis(50);
    let gateway = Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.args(["--upstream-timeout", &limit.as_secs_f64().to_string()]);
    })
    .await;
    let head = "PUT /v1/files HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 8\r\n\r\n";
    let mut client = raw_stream(gateway.address(), format!("{head}half")).await;
    let mut answer = String::new();
    let early = timeout(limit * 6, client.read_to_string(&mut answer)).await;
    assert!(early.is_err(), "{answer}");
    client.write_all(b"half").await.unwrap();
    soon(client.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(recorder.only().body, "halfhalf");
}

/// TLS for this machine's address; its certificate goes into a file.
fn tls(certificate: &Path) -> TlsAcceptor {
    let issued = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(certificate, issued.cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(issued.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key.into());
    Arc::new(config.unwrap()).into()
}

/// Rejects the key in the midst of an upload. Who connects after that is not even greeted.
async fn rejects_and_falls_silent(listener: TcpListener, tls: TlsAcceptor, key: PathBuf) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = tls.accept(stream).await.unwrap();
    let mut came = Vec::new();
    while !came.ends_with(b"half") {
        stream.read_buf(&mut came).await.unwrap();
    }
    std::fs::write(key, "sk-new").unwrap();
    let rejection = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
    stream.write_all(rejection).await.unwrap();
    let _silent = listener.accept().await;
    pending::<()>().await;
}

#[tokio::test]
async fn silent_upstream_during_replay_gets_504() {
    let folder = tempdir().unwrap();
    let [key, certificate] = ["key", "cert.pem"].map(|name| folder.path().join(name));
    std::fs::write(&key, "sk-old").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let silent = rejects_and_falls_silent(listener, tls(&certificate), key.clone());
    tokio::spawn(silent);
    let gateway = Gateway::start(|command| {
        command.env("SSL_CERT_FILE", certificate);
        command.args(["--upstream", &format!("https://{upstream}")]);
        command.arg("--upstream-key-file").arg(key);
        command.args(["--upstream-timeout", "1"]);
    })
    .await;
    let head = "PUT /v1/files HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 8\r\n\r\n";
    let mut client = raw_stream(gateway.address(), format!("{head}half")).await;
    let mut answer = String::new();
    soon(client.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    gateway.said("replayed").await;
}

/// Asks for the body with the key `sk-2`, and answers 401 to any other. `sk-2` is in the file by
/// then.
async fn continues(listener: TcpListener, file: PathBuf) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let file = file.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                let length = stream.read(&mut buffer).await.unwrap();
                head.extend_from_slice(&buffer[..length]);
            }
            let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
            assert!(head.ends_with("\r\n\r\n"), "the body was sent unasked");
            assert!(head.contains("expect: 100-continue"), "{head}");
            if !head.contains("bearer sk-2") {
                std::fs::write(file, "sk-2").unwrap();
                let rejection = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(rejection).await.unwrap();
                // Until the gateway closes, since it sends no body.
                while stream
                    .read(&mut buffer)
                    .await
                    .is_ok_and(|length| length > 0)
                {}
                return;
            }
            stream
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await
                .unwrap();
            let mut left = 20 * KEPT;
            while left > 0 {
                left -= stream.read(&mut buffer).await.unwrap();
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        });
    }
}

#[tokio::test]
async fn upload_of_20_mib_with_a_dead_key_is_replayed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let folder = tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "sk-1").unwrap();
    tokio::spawn(continues(listener, key.clone()));
    let gateway = Gateway::start(|command| {
        command.args(["--upstream", &format!("http://{upstream}")]);
        command.args(["--continue-timeout", "60"]);
        command.arg("--upstream-key-file").arg(&key);
    })
    .await;

    let request = reqwest::Client::new().post(gateway.url("/v1/files"));
    let response = request.body(vec![7; 20 * KEPT]).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}
