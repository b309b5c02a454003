//! Upgrades over other transports and of other protocols, and what ends them.
#![cfg(unix)]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::*;
use crate::gateway::config::{applied, configured};
use crate::gateway::harness::program;

#[tokio::test]
async fn websocket_reaches_a_unix_socket() {
    let folder = Folder::empty();
    let path = folder.path("server.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (seen, count) = (Arc::default(), watch::channel(0).0);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, KEY, Arc::clone(&seen), count.clone()));
        }
    });
    let gateway = Gateway::with_key(&format!("unix:{}:/v1", path.display()), |_| {}).await;
    let (mut http1, _) = open(&gateway, &[]).await.unwrap();
    echo(&mut http1, "a").await;
    let (mut http2, _) = open_http2(&gateway, &[]).await.unwrap();
    echo(&mut http2, "b").await;
}

#[tokio::test]
async fn websocket_is_not_cut_by_a_reload() {
    let echoes = Echo::start(KEY).await;
    let text = format!(
        "upstream = \"http://{}/v1\"\nupstream_key_file = \"DIR/key\"\n",
        echoes.address
    );
    let folder = Folder::new(&text);
    folder.write("key", KEY);
    let gateway = configured(&folder.config()).await;
    let (mut socket, _) = open(&gateway, &[]).await.unwrap();
    echo(&mut socket, "a").await;
    folder.write("gateway.toml", &format!("max_requests = 7\n{text}"));
    applied(&gateway, 1, 0).await;
    echo(&mut socket, "b").await;
    folder.write("gateway.toml", &text.replace("/v1", "/other"));
    applied(&gateway, 2, 0).await;
    echo(&mut socket, "c").await;
    echoes.has_open(1).await;
}

#[tokio::test]
async fn other_protocol_is_copied_byte_for_byte() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let upstream_side = tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        let head = head_of(&mut stream).await;
        let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\
                      upgrade: lines/1\r\n\r\nfirst\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        let mut sent = Vec::new();
        stream.read_to_end(&mut sent).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        head
    });
    let gateway = Gateway::before(upstream).await;
    let request = "GET /v1/lines HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
                   upgrade: lines/1\r\n\r\n";
    let mut client = raw_stream(gateway.address(), request).await;
    let answer = soon(head_of(&mut client)).await;
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    assert!(answer.contains("upgrade: lines/1"), "{answer}");
    client.write_all(b"\0\xffsecond").await.unwrap();
    client.shutdown().await.unwrap();
    let mut got = Vec::new();
    soon(client.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got, b"first\n\0\xffsecond");
    let head = soon(upstream_side).await.unwrap();
    assert!(head.contains(&format!("bearer {KEY}")), "{head}");
}

/// Reads a head in lower case, and not a byte after it.
async fn head_of(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

#[tokio::test]
async fn websocket_ends_when_its_key_expires() {
    let echoes = Echo::start(KEY).await;
    let folder = Folder::empty();
    let file = folder.path("clients.toml");
    let mut issue = program();
    issue.args([
        "key",
        "issue",
        "--client",
        "ui",
        "--expires",
        "5s",
        "--file",
    ]);
    let issued = issue.arg(&file).output().unwrap();
    assert!(issued.status.success(), "{issued:?}");
    let key = String::from_utf8(issued.stdout).unwrap();
    let bearer = format!("Bearer {}", key.trim());
    let gateway = guarded(echoes.address, &file, &[]).await;
    let (mut socket, _) = open(&gateway, &[("authorization", &bearer)]).await.unwrap();
    end(&mut socket).await;
    echoes.has_open(0).await;
}
