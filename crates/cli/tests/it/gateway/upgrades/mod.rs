//! WebSocket and other upgrades, over both protocols.

mod tls;
mod variants;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::handshake::server;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, http as ws_http};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use super::harness::{Folder, Gateway, KEY, Recorder, raw_stream, soon};

const ONE: &str = "one-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";
const TWO: &str = "two-8Zk1tQ0mVd7RyXw3LpHs5NbGc2FjUe";

/// A WebSocket server that echoes texts. It takes one key, and the subprotocol `realtime`.
struct Echo {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<HeaderMap>>>,
    open: watch::Receiver<usize>,
}

impl Echo {
    async fn start(key: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (count, open) = watch::channel(0);
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, count) = (Arc::clone(&seen), count.clone());
                tokio::spawn(serve(stream, key, seen, count));
            }
        });
        Self {
            address,
            heads,
            open,
        }
    }

    fn heads(&self) -> Vec<HeaderMap> {
        self.heads.lock().unwrap().clone()
    }

    /// Waits until so many connections are open.
    async fn has_open(&self, number: usize) {
        let mut open = self.open.clone();
        soon(open.wait_for(|open| *open == number)).await.unwrap();
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    key: &str,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
    count: watch::Sender<usize>,
) {
    #[expect(clippy::result_large_err, reason = "the trait has this error")]
    let judge = |request: &server::Request, mut response: server::Response| {
        seen.lock().unwrap().push(request.headers().clone());
        let bearer = format!("Bearer {key}");
        if request
            .headers()
            .get("authorization")
            .is_none_or(|sent| *sent != bearer)
        {
            let refused = ws_http::Response::builder().status(StatusCode::UNAUTHORIZED);
            return Err(refused.body(None).unwrap());
        }
        if request.headers().contains_key("sec-websocket-protocol") {
            let chosen = HeaderValue::from_static("realtime");
            response
                .headers_mut()
                .insert("sec-websocket-protocol", chosen);
        }
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr_async(stream, judge).await else {
        return;
    };
    count.send_modify(|open| *open += 1);
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() && socket.send(message).await.is_err() {
            break;
        }
    }
    count.send_modify(|open| *open -= 1);
}

type Socket<S> = WebSocketStream<S>;
type Http1 = Socket<TcpStream>;

/// Opens a WebSocket over HTTP/1.1.
async fn open(
    gateway: &Gateway,
    headers: &[(&'static str, &str)],
) -> Result<(Http1, HeaderMap), StatusCode> {
    let url = format!("ws://{}/v1/realtime?model=m", gateway.address());
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(gateway.address()).await.unwrap();
    match soon(client_async(request, stream)).await {
        Ok((socket, response)) => Ok((socket, response.headers().clone())),
        Err(Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{error}"),
    }
}

/// Opens a WebSocket by extended CONNECT.
async fn open_http2(
    gateway: &Gateway,
    headers: &[(&str, &str)],
) -> Result<(Socket<TokioIo<Upgraded>>, HeaderMap), StatusCode> {
    let stream = TcpStream::connect(gateway.address()).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    // The client learns by the server's settings that it may.
    let plain = Request::get(gateway.url("/healthz")).body(Empty::<Bytes>::new());
    soon(sender.send_request(plain.unwrap())).await.unwrap();
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(gateway.url("/v1/realtime?model=m"))
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = soon(sender.send_request(request.body(Empty::new()).unwrap())).await;
    let mut answer = answer.unwrap();
    if answer.status() != StatusCode::OK {
        return Err(answer.status());
    }
    let upgraded = soon(hyper::upgrade::on(&mut answer)).await.unwrap();
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None);
    Ok((socket.await, answer.headers().clone()))
}

/// Sends a text, which must come back.
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<S>, text: &str) {
    soon(socket.send(Message::text(text))).await.unwrap();
    let back = soon(socket.next()).await.unwrap().unwrap();
    assert_eq!(back, Message::text(text));
}

/// Waits until the connection ends.
async fn end<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut Socket<S>) {
    while let Some(Ok(_)) = soon(socket.next()).await {}
}

/// Returns a folder with a file `clients` of client keys.
fn client_keys(keys: &[&str]) -> Folder {
    let folder = Folder::empty();
    folder.write("clients", &keys.join("\n"));
    folder
}

async fn guarded(upstream: SocketAddr, keys: &Path, arguments: &[&str]) -> Gateway {
    Gateway::with_key(&format!("http://{upstream}/v1"), |command| {
        command.env_remove("GATEWAY_MODE");
        command.arg("--client-keys").arg(keys).args(arguments);
    })
    .await
}

#[tokio::test]
async fn websocket_passes_with_the_gateways_key() {
    let echoes = Echo::start(KEY).await;
    let keys = client_keys(&[ONE]);
    let gateway = guarded(echoes.address, &keys.path("clients"), &[]).await;
    assert_eq!(
        open(&gateway, &[]).await.unwrap_err(),
        StatusCode::UNAUTHORIZED
    );
    assert!(echoes.heads().is_empty());

    let bearer = format!("Bearer {ONE}");
    let headers = [
        ("authorization", &*bearer),
        ("origin", "http://localhost"),
        ("sec-websocket-protocol", "realtime"),
    ];
    let (mut http1, answer) = open(&gateway, &headers).await.unwrap();
    assert_eq!(answer["sec-websocket-protocol"], "realtime");
    echo(&mut http1, "over HTTP/1.1").await;
    let (mut http2, answer) = open_http2(&gateway, &headers).await.unwrap();
    assert_eq!(answer["sec-websocket-protocol"], "realtime");
    assert!(!answer.contains_key("sec-websocket-accept") && !answer.contains_key("upgrade"));
    echo(&mut http2, "over HTTP/2").await;
    echo(&mut http1, &"long ".repeat(50_000)).await;
    for head in echoes.heads() {
        assert_eq!(head["authorization"], format!("Bearer {KEY}"));
        assert_eq!(head["upgrade"], "websocket");
        assert!(head["via"].to_str().unwrap().contains("rotating-auth"));
    }
    echoes.has_open(2).await;
    drop(http2);
    echoes.has_open(1).await;
    http1.close(None).await.unwrap();
    end(&mut http1).await;
    echoes.has_open(0).await;
}

#[tokio::test]
async fn key_leaves_the_subprotocols_and_others_stay() {
    let echoes = Echo::start(KEY).await;
    let keys = client_keys(&[ONE]);
    let gateway = guarded(echoes.address, &keys.path("clients"), &[]).await;
    let offered =
        |key: &str| format!("realtime, openai-insecure-api-key.{key}, openai-beta.realtime-v1");
    let wrong = offered(TWO);
    let wrong = open(&gateway, &[("sec-websocket-protocol", &wrong)]).await;
    assert_eq!(wrong.unwrap_err(), StatusCode::UNAUTHORIZED);
    let right = offered(ONE);
    let headers = [("sec-websocket-protocol", &*right)];
    let (mut http1, _) = open(&gateway, &headers).await.unwrap();
    echo(&mut http1, "a").await;
    let (mut http2, _) = open_http2(&gateway, &headers).await.unwrap();
    echo(&mut http2, "b").await;
    let heads = echoes.heads();
    assert_eq!(heads.len(), 2);
    for head in heads {
        let passed = &head["sec-websocket-protocol"];
        assert_eq!(passed, "realtime, openai-beta.realtime-v1");
    }
}

#[tokio::test]
async fn revocation_ends_both_ends_of_a_websocket() {
    let echoes = Echo::start(KEY).await;
    let keys = client_keys(&[ONE, TWO]);
    let gateway = guarded(echoes.address, &keys.path("clients"), &[]).await;
    let [one, two] = [ONE, TWO].map(|key| format!("Bearer {key}"));
    let (mut http1, _) = open(&gateway, &[("authorization", &one)]).await.unwrap();
    let (mut http2, _) = open_http2(&gateway, &[("authorization", &one)])
        .await
        .unwrap();
    let (mut stays, _) = open(&gateway, &[("authorization", &two)]).await.unwrap();
    echo(&mut http1, "a").await;
    echo(&mut http2, "b").await;
    echoes.has_open(3).await;

    keys.write("clients", TWO);
    end(&mut http1).await;
    end(&mut http2).await;
    echoes.has_open(1).await;
    echo(&mut stays, "c").await;
}

#[cfg(unix)]
#[tokio::test]
async fn rejected_handshake_is_sent_again_with_the_next_key() {
    use std::os::unix::fs::PermissionsExt as _;

    let echoes = Echo::start("sk-second-key").await;
    let folder = Folder::empty();
    // Only a rejection has it run again.
    let program = folder.path("key");
    let script = "#!/bin/sh\ncd \"${0%/*}\"\nif [ -e ran ]; then echo sk-second-key; \
                  else echo sk-first-key; touch ran; fi\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let gateway = Gateway::start(|command| {
        command.args(["--upstream", &format!("http://{}/v1", echoes.address)]);
        command.arg(format!("--upstream-key=exec:{}", program.display()));
    })
    .await;
    let (mut socket, _) = open(&gateway, &[]).await.unwrap();
    echo(&mut socket, "a").await;
    assert_eq!(echoes.heads().len(), 2);
    drop(socket);
    let line = gateway.said("101 GET /v1/realtime").await;
    assert!(line.contains("upstream_key=\"replayed 1→2\""), "{line}");
}

#[tokio::test]
async fn upstream_that_does_not_switch_is_answered_through() {
    let (upstream, recorder) = Recorder::start().await;
    let gateway = Gateway::before(upstream).await;
    assert_eq!(open(&gateway, &[]).await.unwrap_err(), StatusCode::OK);
    // To a client of HTTP/2, a success would be an open WebSocket.
    assert_eq!(
        open_http2(&gateway, &[]).await.unwrap_err(),
        StatusCode::BAD_GATEWAY
    );
    assert_eq!(recorder.all().len(), 2);
}

#[tokio::test]
async fn websocket_counts_as_a_request_and_outlives_idle_connections() {
    let echoes = Echo::start(KEY).await;
    let keys = client_keys(&[ONE]);
    let limits = ["--max-requests-per-client=1", "--keep-alive=50ms"];
    let gateway = guarded(echoes.address, &keys.path("clients"), &limits).await;
    let bearer = format!("Bearer {ONE}");
    let headers = [("authorization", &*bearer)];
    let (mut socket, _) = open(&gateway, &headers).await.unwrap();
    let busy = open(&gateway, &headers).await.unwrap_err();
    assert_eq!(busy, StatusCode::TOO_MANY_REQUESTS);
    let line = gateway.said("429 GET /v1/realtime").await;
    assert!(
        line.contains(" client=") && line.contains(" key="),
        "{line}"
    );
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut silent = raw_stream(gateway.address(), request).await;
    let mut nothing = Vec::new();
    soon(tokio::io::AsyncReadExt::read_to_end(
        &mut silent,
        &mut nothing,
    ))
    .await
    .unwrap();
    echo(&mut socket, "a").await;
    drop(socket);
    echoes.has_open(0).await;
    soon(async {
        while open(&gateway, &headers).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn open_websocket_does_not_outlast_the_drain_timeout() {
    let echoes = Echo::start(KEY).await;
    let mut gateway = Gateway::with_key(&format!("http://{}/v1", echoes.address), |command| {
        command.args(["--drain-timeout", "200ms"]);
    })
    .await;
    let (mut socket, _) = open(&gateway, &[]).await.unwrap();
    echo(&mut socket, "a").await;
    gateway.terminate().await;
    assert_eq!(gateway.exit_code().await, Some(0));
    end(&mut socket).await;
    echoes.has_open(0).await;
}

#[cfg(unix)]
#[tokio::test]
async fn open_websocket_works_on_while_draining() {
    let echoes = Echo::start(KEY).await;
    let mut gateway = Gateway::with_key(&format!("http://{}/v1", echoes.address), |command| {
        command.args(["--drain-timeout", "60s"]);
    })
    .await;
    let (mut socket, _) = open(&gateway, &[]).await.unwrap();
    echo(&mut socket, "a").await;
    gateway.terminate().await;
    gateway.said("finishing requests").await;
    echo(&mut socket, "b").await;
    socket.close(None).await.unwrap();
    end(&mut socket).await;
    assert_eq!(gateway.exit_code().await, Some(0));
}

#[tokio::test]
async fn silent_websocket_ends_with_the_upstream_timeout() {
    let echoes = Echo::start(KEY).await;
    let gateway = Gateway::with_key(&format!("http://{}/v1", echoes.address), |command| {
        command.args(["--upstream-timeout", "3s"]);
    })
    .await;
    let (mut socket, _) = open(&gateway, &[]).await.unwrap();
    end(&mut socket).await;
    echoes.has_open(0).await;
}
