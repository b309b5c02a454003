//! Tests of an HTTP endpoint as a source, over sockets.

use std::sync::Arc;

use http::HeaderName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower_rotating_auth::{
    Rotating, Secret,
    source::{HttpClient, HttpSource, SourceError, SourceErrorKind, channel, source_fn},
};

use super::support::server::{Reply, Server, answer, json};
use super::support::{failure_of, key_of, start, text};
use crate::support::{Traced, secs, source_kind};

fn source(server: &Server) -> HttpSource {
    HttpSource::new(&*format!("{}/key", server.url)).unwrap()
}

#[tokio::test]
async fn text_answer_is_the_key() {
    let server = Server::start(|_| answer(200, "", " sk-1\n")).await;
    assert_eq!(key_of(source(&server)).await, "sk-1");
    let asked = server.last();
    assert!(asked.head.starts_with("GET /key HTTP/1.1"), "{asked:?}");
    assert_eq!(asked.header("if-none-match"), None);
}

#[tokio::test]
async fn json_answer_has_a_key_and_an_expiry() {
    let server = Server::start(|_| json(200, r#"{"d":{"key":"sk-1"},"ttl":3600}"#)).await;
    let source = source(&server).pointer("/d/key").expires_in("/ttl");
    let key = start(source).await.expect("the server answers");
    assert_eq!(text(&key), "sk-1");
    assert!(key.current().expires_at().is_some());
}

#[tokio::test]
async fn etag_saves_an_unchanged_answer() {
    let server = Server::start(|asked| match asked.header("if-none-match") {
        Some(r#""one""#) if asked.number < 4 => answer(304, "", ""),
        _ if asked.number < 4 => answer(200, "etag: \"one\"\r\n", "sk-1"),
        _ => answer(200, "etag: \"two\"\r\n", "sk-2"),
    });
    let server = server.await;
    let key = start(source(&server)).await.expect("the server answers");
    for expected in ["sk-1", "sk-1", "sk-2"] {
        key.refresh().await.expect("the server answers");
        assert_eq!(text(&key), expected);
    }
    assert_eq!(key.current().generation().get(), 2);
    let etags: Vec<_> = server.asked();
    let etags: Vec<_> = etags.iter().map(|a| a.header("if-none-match")).collect();
    assert_eq!(
        etags,
        [None, Some("\"one\""), Some("\"one\""), Some("\"one\"")]
    );
}

#[tokio::test]
async fn weak_etag_is_no_revision() {
    let server = Server::start(|asked| {
        assert_eq!(asked.header("if-none-match"), None);
        answer(200, "etag: W/\"one\"\r\n", &format!("sk-{}", asked.number))
    });
    let server = server.await;
    let key = start(source(&server)).await.expect("the server answers");
    key.refresh().await.expect("the server answers");
    assert_eq!(text(&key), "sk-2");
}

#[tokio::test]
async fn headers_take_keys_of_other_sources() {
    let server = Server::start(|asked| match asked.header("authorization") {
        Some("Bearer token-2") => answer(200, "", "sk-1"),
        _ => answer(401, "", ""),
    });
    let server = server.await;
    let mut reads = 0;
    let token = source_fn(move || {
        reads += 1;
        async move { Ok::<_, SourceError>(Secret::from(format!("token-{reads}\n"))) }
    });
    let name = HeaderName::from_static("x-tenant");
    let tenant = source_fn(|| async { Ok::<_, SourceError>(Secret::from("batch")) });
    let source = source(&server).bearer(token).header_from(name, tenant);
    // The first token is rejected, so the second fetch asks for another.
    let key = Rotating::builder().wait_for_first(secs(10)).start(source);
    assert_eq!(text(&key.await.expect("the second token works")), "sk-1");
    assert_eq!(server.asked().len(), 2);
    assert_eq!(server.last().header("x-tenant"), Some("batch"));
}

#[tokio::test]
async fn new_nested_key_is_used_at_once() {
    let server = Server::start(|asked| match asked.header("authorization") {
        Some("Bearer token-2") => answer(200, "", "sk-2"),
        _ => answer(200, "", "sk-1"),
    });
    let server = server.await;
    let (sender, token) = channel();
    sender.send(Secret::from("token-1"));
    let key = start(source(&server).bearer(token)).await;
    let key = key.expect("the server answers");
    assert_eq!(text(&key), "sk-1");
    let mut changes = key.subscribe();
    sender.send(Secret::from("token-2"));
    let current = changes.changed().await.expect("the task runs");
    assert_eq!(current.expose_secret(), b"sk-2");
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let other = Server::start(|_| answer(200, "", "sk-other")).await;
    let location = format!("location: {}/key\r\n", other.url);
    let server = Server::start(move |_| answer(302, &location, "")).await;
    assert_eq!(
        failure_of(source(&server)).await,
        SourceErrorKind::Permanent
    );
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test]
async fn bad_answers_have_their_kinds() {
    let raw = |text: &str| Reply::Bytes(text.as_bytes().to_vec());
    let long = "k".repeat(64 * 1024 + 1);
    let cases: Vec<(Reply, SourceErrorKind)> = vec![
        (answer(400, "", ""), SourceErrorKind::Permanent),
        (answer(401, "", ""), SourceErrorKind::Permanent),
        (
            answer(429, "retry-after: 7\r\n", ""),
            SourceErrorKind::Throttled,
        ),
        (
            answer(503, "retry-after: 7\r\n", ""),
            SourceErrorKind::Throttled,
        ),
        (answer(500, "", ""), SourceErrorKind::Transient),
        (answer(200, "", ""), SourceErrorKind::Invalid),
        (answer(200, "", "<html>sk-"), SourceErrorKind::Invalid),
        (answer(200, "", &long), SourceErrorKind::Invalid),
        (
            answer(200, "content-encoding: gzip\r\n", "\u{1f}sk-"),
            SourceErrorKind::Invalid,
        ),
        (
            raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"key\":"),
            SourceErrorKind::Transient,
        ),
        (
            raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nsk"),
            SourceErrorKind::Transient,
        ),
        (raw("no HTTP at all"), SourceErrorKind::Transient),
        (raw(""), SourceErrorKind::Transient),
        (Reply::Hang(Vec::new()), SourceErrorKind::TimedOut),
        (
            Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()),
            SourceErrorKind::TimedOut,
        ),
    ];
    for (number, (reply, kind)) in cases.into_iter().enumerate() {
        let mut reply = Some(reply);
        let server = Server::start(move |_| reply.take().unwrap()).await;
        let source = source(&server).pointer("/key");
        assert_eq!(failure_of(source).await, kind, "case {number}");
    }
}

#[tokio::test]
async fn answer_that_is_no_key_is_refused_by_default() {
    for body in ["null", r#"{"key":"sk-1"}"#, r#""sk-1""#] {
        let server = Server::start(move |_| json(200, body)).await;
        assert_eq!(
            failure_of(source(&server)).await,
            SourceErrorKind::Invalid,
            "{body}"
        );
        assert_eq!(key_of(source(&server).allow_any_content()).await, body);
    }
}

#[tokio::test]
async fn endless_answer_is_cut_off() {
    let chunk = format!("8000\r\n{}\r\n", "k".repeat(0x8000)).repeat(20);
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let endless = format!("{head}{chunk}").into_bytes();
    let server = Server::start(move |_| Reply::Hang(endless.clone())).await;
    assert_eq!(failure_of(source(&server)).await, SourceErrorKind::Invalid);
}

#[tokio::test]
async fn killed_server_leaves_the_last_good_key() {
    let server = Server::start(|_| answer(200, "", "sk-1")).await;
    let key = start(source(&server)).await.expect("the server answers");
    let address = server.address().to_owned();
    server.stop().await;
    let error = key.refresh().await.expect_err("nobody listens");
    assert_eq!(source_kind(&error), Some(SourceErrorKind::Transient));
    assert_eq!(text(&key), "sk-1");

    let mut changes = key.subscribe();
    let _again = Server::start_at(&address, |_| answer(200, "", "sk-2")).await;
    // By itself, after the first step of the backoff.
    let current = changes.changed().await.expect("the task runs");
    assert_eq!(current.expose_secret(), b"sk-2");
}

#[tokio::test]
async fn default_client_trusts_only_the_certificates_that_it_was_given() {
    let names = vec!["localhost".to_owned()];
    let signed = rcgen::generate_simple_self_signed(names).unwrap();
    let pem = signed.cert.pem();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signed.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key.unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate closes.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            drop(stream.read(&mut [0; 4096]).await);
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nsk-1";
            drop(stream.write_all(answer).await);
            drop(stream.shutdown().await);
        }
    });
    let source = || HttpSource::new(&*format!("https://localhost:{port}/key")).unwrap();
    assert_eq!(failure_of(source()).await, SourceErrorKind::Transient);
    let client = HttpClient::with_root_certificates(pem.as_bytes()).unwrap();
    assert_eq!(key_of(source().client(client)).await, "sk-1");
    for no_certificate in [
        "",
        "no PEM",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ] {
        let error = HttpClient::with_root_certificates(no_certificate.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Invalid);
    }
}

#[tokio::test]
async fn no_secret_of_either_side_is_told() {
    const SENTINEL: &str = "sk-sentinel-7f3a";
    let traced = Traced::new();
    let mut text = String::new();
    for status in [200, 302, 400, 401, 403, 404, 429, 500, 503] {
        let body = format!(r#"{{"error":"{SENTINEL}"}}"#);
        let server = Server::start(move |_| json(status, &body)).await;
        let token = source_fn(|| async { Ok::<_, SourceError>(Secret::from(SENTINEL)) });
        let url = format!("{}/{SENTINEL}?key={SENTINEL}", server.url);
        let source = HttpSource::new(&*url)
            .unwrap()
            .pointer("/key")
            .bearer(token);
        text += &format!("{source:?}");
        let error = start(source).await.expect_err("there is no key");
        text += &format!("{error} {error:?} {:?}", error.source_error());
    }
    text += &traced.text();
    assert!(!text.contains(SENTINEL), "{text}");
}
