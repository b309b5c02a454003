//! The end of a message, its host, and its way through proxies.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::gateway::harness::{
    Gateway, Protocol, Recorder, chunk, closed_port, raw, raw_stream, soon,
};

/// An upstream that gives each request the same answer, byte for byte.
async fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap() > 0 {}
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

fn code(body: &[u8]) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["error"]["code"].clone()
}

async fn asked(protocol: Protocol, gateway: &Gateway, method: Method) -> http::response::Parts {
    let request = Request::builder()
        .method(method)
        .uri("/v1/models")
        .body(Full::<Bytes>::default());
    protocol.fetch(gateway.address(), request.unwrap()).await.0
}

#[tokio::test]
async fn answer_without_content_invents_no_length() {
    for (method, answer, wanted) in [
        (
            Method::HEAD,
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
            None,
        ),
        (
            Method::HEAD,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
            None,
        ),
        (
            Method::HEAD,
            "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\n",
            Some("7"),
        ),
        (
            Method::GET,
            "HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n",
            None,
        ),
        (
            Method::DELETE,
            "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
            None,
        ),
    ] {
        let gateway = Gateway::before(answering(answer).await).await;
        for protocol in Protocol::BOTH {
            let head = asked(protocol, &gateway, method.clone()).await;
            let length = head.headers.get("content-length");
            let length = length.map(|value| value.to_str().unwrap());
            assert_eq!(length, wanted, "{protocol:?} {answer:?}: {head:?}");
        }
    }
}

#[tokio::test]
async fn answer_that_nobody_asked_for_gets_502() {
    for answer in [
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ] {
        let gateway = Gateway::before(answering(answer).await).await;
        for protocol in Protocol::BOTH {
            let head = asked(protocol, &gateway, Method::GET).await;
            assert_eq!(
                head.status,
                StatusCode::BAD_GATEWAY,
                "{protocol:?} {answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn request_without_one_valid_host_gets_400() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    for hosts in [
        "",
        "host: localhost\r\nhost: localhost\r\n",
        "host: a b\r\n",
        "host: \r\n",
        "host: user@localhost\r\n",
        "host: localhost/v1\r\n",
    ] {
        let request = format!("GET /v1/models HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
        let answer = raw(gateway.address(), request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{hosts:?}: {answer}");
    }
    let other = [("host", "other.localhost")];
    let (head, body) = Protocol::Http2
        .get(gateway.address(), "/v1/models", &other)
        .await;
    assert_eq!(head.status, StatusCode::BAD_REQUEST);
    assert_eq!(code(&body), "invalid_host");
    assert!(recorder.all().is_empty());
    let same = [("host", "localhost")];
    let (head, _) = Protocol::Http2
        .get(gateway.address(), "/v1/models", &same)
        .await;
    assert_eq!(head.status, StatusCode::OK);
}

#[tokio::test]
async fn request_that_comes_back_gets_508() {
    let itself = closed_port().await;
    let gateway = Gateway::with_key(&format!("http://{itself}"), |command| {
        command.env("GATEWAY_LISTEN", itself.to_string());
    })
    .await;
    for protocol in Protocol::BOTH {
        let (head, body) = protocol.get(gateway.address(), "/v1/models", &[]).await;
        assert_eq!(head.status, StatusCode::LOOP_DETECTED, "{protocol:?}");
        assert_eq!(code(&body), "loop_detected");
    }
}

#[tokio::test]
async fn gateway_behind_another_is_no_loop() {
    let (upstream, recorder) = Recorder::start().await;
    let inner = Gateway::before(upstream).await;
    let outer = Gateway::before(inner.address()).await;
    for (protocol, version) in [(Protocol::Http1, "1.1 "), (Protocol::Http2, "2 ")] {
        let before = recorder.all().len();
        let (head, _) = protocol.get(outer.address(), "/v1/models", &[]).await;
        assert_eq!(head.status, StatusCode::OK);
        let seen = recorder.all().remove(before).head.headers;
        let via: Vec<_> = seen
            .get_all("via")
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        assert_eq!(via.len(), 2, "{via:?}");
        assert!(
            via[0].starts_with(version) && via[1].starts_with("1.1 "),
            "{via:?}"
        );
    }
}

#[tokio::test]
async fn upgrade_with_a_body_gets_501_and_an_offer_none() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let ask = |protocol: &str, more: &str| {
        format!(
            "GET /v1/realtime HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, close\r\n\
             upgrade: {protocol}\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n{more}\r\n"
        )
    };
    let body = "content-length: 2\r\n\r\n{}";
    let answer = raw(gateway.address(), ask("websocket", body)).await;
    assert!(answer.starts_with("HTTP/1.1 501 "), "{answer}");
    assert!(recorder.all().is_empty());
    let answer = raw(gateway.address(), ask("h2c", "")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let seen = recorder.only().head.headers;
    assert_eq!(
        (seen.get("http2-settings"), seen.get("upgrade")),
        (None, None)
    );
}

#[tokio::test]
async fn unknown_transfer_coding_gets_501() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let head = "POST /v1/files HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
        transfer-encoding: gzip, chunked\r\n\r\n";
    let request = [head.as_bytes(), &chunk(b"data"), &chunk(b"")].concat();
    let answer = raw(gateway.address(), request).await;
    assert!(answer.starts_with("HTTP/1.1 501 "), "{answer}");
    assert!(recorder.all().is_empty());
}

#[tokio::test]
async fn half_closed_client_gets_its_answer() {
    let (upstream, _) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    let request = "GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut client = raw_stream(gateway.address(), request).await;
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    soon(client.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
