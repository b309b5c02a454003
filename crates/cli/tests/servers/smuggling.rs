//! Requests in which two servers may see different ones.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::CLIENT;
use crate::backend::{Backend, Kind};
use crate::harness::{Gateway, Http2, KEY};

/// A request that the door would refuse, if it saw it.
const HIDDEN: &str =
    "GET /hidden HTTP/1.1\r\nhost: g\r\nx-original-url: /hidden\r\nconnection: close\r\n\r\n";

/// A request with a valid key, these fields and this rest.
fn with(fields: &str, rest: &str) -> Vec<u8> {
    format!("POST /v1/outer HTTP/1.1\r\nhost: g\r\nx-api-key: {CLIENT}\r\n{fields}\r\n\r\n{rest}")
        .into()
}

/// Bodies whose end depends on who reads: by length or by chunks.
fn framings() -> Vec<Vec<u8>> {
    let chunked = format!("0\r\n\r\n{HIDDEN}");
    let whole = chunked.len();
    let codings = [
        "transfer-encoding: chunked",
        "Transfer-Encoding: CHUNKED",
        "transfer-encoding : chunked",
        "transfer-encoding:\tchunked",
        "transfer-encoding: \x0bchunked",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: identity, chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding: chunked;q=1",
        "transfer-encoding: chunked\0",
        "transfer-encoding: gzip, chunked",
        "transfer_encoding: chunked",
        "transfer-encoding:\r\n chunked",
        "x: y\r\n transfer-encoding: chunked",
        "x: y\rtransfer-encoding: chunked",
        "x: y\ntransfer-encoding: chunked",
        "connection: transfer-encoding\r\ntransfer-encoding: chunked",
    ];
    let mut all = Vec::new();
    for coding in codings {
        for length in [0, whole, 5] {
            all.push(with(
                &format!("content-length: {length}\r\n{coding}"),
                &chunked,
            ));
            all.push(with(
                &format!("{coding}\r\ncontent-length: {length}"),
                &chunked,
            ));
        }
        all.push(with(coding, &chunked));
    }
    all
}

/// Lengths that are none, or two.
fn lengths() -> Vec<Vec<u8>> {
    let long = HIDDEN.len();
    [
        format!("content-length: 0\r\ncontent-length: {long}"),
        format!("content-length: {long}\r\ncontent-length: 0"),
        format!("content-length: 0, {long}"),
        "content-length: 0, 0".to_owned(),
        "content-length: +0".to_owned(),
        "content-length: -1".to_owned(),
        "content-length: 0x0".to_owned(),
        "content-length: 0 0".to_owned(),
        "content-length : 0".to_owned(),
        format!("content_length: {long}"),
        "content-length: 99999999999999999999".to_owned(),
        "content-length:".to_owned(),
        format!("connection: content-length\r\ncontent-length: {long}"),
        format!("expect: 100-continue\r\ncontent-length: {long}"),
    ]
    .map(|fields| with(&fields, HIDDEN))
    .into()
}

/// Chunks with odd sizes, extensions and ends.
fn chunks() -> Vec<Vec<u8>> {
    let sizes = [
        "0x5",
        "+5",
        "-5",
        "5 ",
        " 5",
        "5;a=\"\r\n\"",
        "5;a=b",
        "5\t",
        "ffffffffffffffff5",
        "5g",
    ];
    let ends = ["\r\n", "\n", ""];
    let mut all = Vec::new();
    for size in sizes {
        for end in ends {
            let body = format!("{size}\r\nabcde{end}0\r\n\r\n{HIDDEN}");
            all.push(with("transfer-encoding: chunked", &body));
        }
    }
    for trailer in [
        "content-length: 9",
        "transfer-encoding: gzip",
        "x-original-url: /hidden",
        "x-api-key: k",
    ] {
        let body = format!("0\r\n{trailer}\r\n\r\n{HIDDEN}");
        all.push(with(
            "transfer-encoding: chunked\r\ntrailer: x-original-url",
            &body,
        ));
    }
    all
}

/// Lines and fields that a server may split in another place.
fn heads() -> Vec<Vec<u8>> {
    let key = format!("host: g\r\nx-api-key: {CLIENT}\r\nconnection: close");
    let mut all: Vec<Vec<u8>> = [
        "GET /v1/outer HTTP/1.1 HTTP/1.1",
        "GET\t/v1/outer\tHTTP/1.1",
        "GET /v1/outer\0 HTTP/1.1",
        "GET /v1/outer\rx HTTP/1.1",
        "GET /v1/outer HTTP/1.2",
        "GET /v1/outer HTTP/0.9",
        "GET /v1/outer",
        "GET http://other.example/v1/outer HTTP/1.1",
        "GET http://user@other.example/v1/outer HTTP/1.1",
        "GET v1/outer HTTP/1.1",
        "GET * HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "CONNECT other.example:443 HTTP/1.1",
        "PRI * HTTP/2.0",
        "GET /v1/../hidden HTTP/1.1",
        "GET /v1/%2e%2e/hidden HTTP/1.1",
    ]
    .map(|line| format!("{line}\r\n{key}\r\n\r\n").into())
    .into();
    for field in [
        "x: y\0\r\nz: 1",
        "x: y\rx-original-url: /hidden",
        "x: y\nx-original-url: /hidden",
        "x: y\r\n x-original-url: /hidden",
        "x-original-url : /hidden",
        "x_original_url: /hidden",
        "x.original.url: /hidden",
        "X-Original-URL: /hidden",
        "connection: x-api-key, authorization, host, via",
        "connection: close, x-original-url\r\nx-original-url: /hidden",
        "upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMAAABkAAQAoAAAAAIAAAAA",
    ] {
        all.push(with(field, HIDDEN));
    }
    // A pipeline: the door refuses the second.
    all.push(with("content-length: 0", HIDDEN));
    all
}

/// Sends a request and reads all that comes, for as long as it can matter.
async fn send(address: SocketAddr, request: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    drop(stream.write_all(request).await);
    let mut answer = Vec::new();
    drop(timeout(Duration::from_secs(3), stream.read_to_end(&mut answer)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_server_runs_what_the_door_did_not_see() {
    let all: Vec<_> = [framings(), lengths(), chunks(), heads()].concat();
    for kind in Kind::ALL {
        let backend = Backend::start(kind).await;
        let gateway = Gateway::with_key(&format!("http://{}", backend.address), |command| {
            command.env_remove("GATEWAY_MODE");
            command.env("CLIENT_KEYS", CLIENT);
            command.args([
                "--head-timeout=1",
                "--upload-timeout=1",
                "--close-timeout=1",
            ]);
            command.args(["--upstream-timeout=5"]);
        })
        .await;
        let sent = all.iter().map(|request| send(gateway.address(), request));
        futures_util::future::join_all(sent).await;
        let fields = [("x-api-key", CLIENT), ("x-original-url", "/hidden")];
        let mut client = Http2::connect(gateway.address()).await;
        client.get("http://g/v1/last", &fields).await;
        let mut client = Http2::connect(gateway.address()).await;
        client.get("http://g/hidden", &[]).await;

        let ran = backend.ran();
        println!("{kind:?}: ran {} of {} requests", ran.len(), all.len());
        assert!(
            ran.iter().any(|line| line.starts_with("GET /v1/last")),
            "{ran:?}"
        );
        for line in ran {
            assert!(
                line.contains(&format!("|Bearer {KEY}|")),
                "{kind:?}: {line}"
            );
            assert!(!line.contains("hidden"), "{kind:?}: {line}");
        }
    }
}
