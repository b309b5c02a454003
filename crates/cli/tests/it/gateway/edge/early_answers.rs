//! Answers before the end of an upload.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::gateway::harness::{Gateway, Protocol, Recorder, chunk, raw_stream, soon};

const UPLOAD: usize = 2 * 1024 * 1024;

async fn guarded(options: &[&str]) -> Gateway {
    let (upstream, _) = Recorder::start().await;
    Gateway::with_key(&format!("http://{upstream}"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.env("CLIENT_KEYS", "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe");
        command.args(options);
    })
    .await
}

fn head(framing: &str) -> String {
    format!("POST /v1/files HTTP/1.1\r\nhost: localhost\r\nx-api-key: wrong\r\n{framing}\r\n\r\n")
}

#[tokio::test]
async fn refusal_reaches_a_client_that_sends_first() {
    let gateway = guarded(&[]).await;
    let body = vec![b'a'; UPLOAD];
    let mut chunked = head("transfer-encoding: chunked").into_bytes();
    chunked.extend(body.chunks(16 * 1024).flat_map(chunk));
    chunked.extend(chunk(b""));
    let sized = [head(&format!("content-length: {UPLOAD}")).as_bytes(), &body].concat();
    for request in [sized, chunked] {
        for _ in 0..10 {
            // As Python and Node do: no read before the last write.
            let mut client = raw_stream(gateway.address(), &request).await;
            let mut answer = String::new();
            soon(client.read_to_string(&mut answer)).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
            assert!(answer.contains("connection: close\r\n"), "{answer}");
        }
    }
}

#[tokio::test]
async fn refusal_of_an_http2_upload_keeps_the_connection() {
    let gateway = guarded(&[]).await;
    let request = || {
        Request::post("/v1/files")
            .header("x-api-key", "wrong")
            .body(Full::from(vec![b'a'; UPLOAD]))
            .unwrap()
    };
    for _ in 0..10 {
        let (head, _) = Protocol::Http2.fetch(gateway.address(), request()).await;
        assert_eq!(head.status, StatusCode::UNAUTHORIZED);
        assert_eq!(head.headers.get("connection"), None);
    }
}

#[tokio::test]
async fn complete_request_keeps_its_connection() {
    let gateway = guarded(&[]).await;
    let request = [head("content-length: 4").as_bytes(), b"data"].concat();
    let mut client = raw_stream(gateway.address(), &request).await;
    for _ in 0..3 {
        let answer = head_of_answer(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        client.write_all(&request).await.unwrap();
    }
}

/// Reads an answer, and returns its head.
async fn head_of_answer(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(client.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let length = length.split_once("\r\n").unwrap().0.parse().unwrap();
    let mut body = vec![0; length];
    soon(client.read_exact(&mut body)).await.unwrap();
    head
}

#[tokio::test]
async fn endless_refused_upload_is_cut() {
    for options in [
        ["--close-timeout=0.2", "--discard-size=1GiB"],
        ["--close-timeout=60", "--discard-size=64KiB"],
    ] {
        let gateway = guarded(&options).await;
        let mut client = raw_stream(gateway.address(), head("content-length: 99999999999")).await;
        let endless = async { while client.write_all(&[b'a'; 16 * 1024]).await.is_ok() {} };
        soon(endless).await;
    }
}

/// Begins an upload over HTTP/2, waits for its refusal, and goes on. Returns whether the stream
/// took so many bytes.
async fn goes_on_after_refusal(gateway: &Gateway, bytes: usize) -> bool {
    let (sender, receiver) = mpsc::channel(1);
    let frames = ReceiverStream::new(receiver).map(|data| Ok::<_, Infallible>(Frame::data(data)));
    let stream = TcpStream::connect(gateway.address()).await.unwrap();
    let (mut client, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::post("http://localhost/v1/files")
        .header("x-api-key", "wrong")
        .body(StreamBody::new(frames))
        .unwrap();
    let answer = soon(client.send_request(request)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(soon(answer.collect()).await.unwrap().to_bytes().len() > 10);
    for _ in 0..bytes / CHUNK {
        if sender
            .send(Bytes::from_static(&[b'a'; CHUNK]))
            .await
            .is_err()
        {
            return false;
        }
    }
    true
}

const CHUNK: usize = 16 * 1024;

#[tokio::test]
async fn refused_http2_upload_is_read_to_its_end() {
    let gateway = guarded(&[]).await;
    assert!(soon(goes_on_after_refusal(&gateway, UPLOAD)).await);
}

#[tokio::test]
async fn endless_refused_http2_upload_is_reset() {
    for options in [
        ["--close-timeout=0.2", "--discard-size=1GiB"],
        ["--close-timeout=60", "--discard-size=64KiB"],
    ] {
        let gateway = guarded(&options).await;
        assert!(!soon(goes_on_after_refusal(&gateway, usize::MAX)).await);
    }
}
