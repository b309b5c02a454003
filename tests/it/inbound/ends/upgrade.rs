//! An upgraded connection, whose handler waits for the end of the key itself.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower_rotating_auth::inbound::Principal;

use super::{ENDS, Guarded, Held, Report, Reports, assert_ended, within};
use crate::inbound::keys::{ADMIN, VALID};

/// Echoes what a WebSocket sends, for as long as the key is active.
fn routes(reports: Reports) -> Router {
    let echo = async move |mut request: Request| {
        let principal: Principal = request.extensions().get().cloned().unwrap();
        let client = principal.key().unwrap().client().to_string();
        let held = Held(client, reports.clone());
        let upgraded = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let _held = held;
            let mut socket = TokioIo::new(upgraded.await.unwrap());
            let (mut reader, mut writer) = tokio::io::split(&mut socket);
            tokio::select! {
                _ = principal.ended() => {}
                copied = tokio::io::copy(&mut reader, &mut writer) => drop(copied),
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        for (name, value) in [(CONNECTION, "upgrade"), (UPGRADE, "websocket")] {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    };
    Router::new().route("/socket", get(echo))
}

async fn upgraded(guarded: &Guarded, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(guarded.address).await.unwrap();
    let request = format!(
        "GET /socket HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         connection: upgrade\r\nupgrade: websocket\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(stream.read_u8()).await.unwrap());
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101 "),
        "{}",
        head.escape_ascii()
    );
    stream
}

async fn echoes(stream: &mut TcpStream) {
    stream.write_all(b"ping").await.unwrap();
    let mut answer = [0; 4];
    within(stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"ping");
}

#[tokio::test]
async fn upgraded_connection_ends_with_key() {
    for end in ENDS {
        let mut guarded = Guarded::start(routes).await;
        let mut ours = upgraded(&guarded, VALID).await;
        let mut others = upgraded(&guarded, ADMIN).await;
        guarded.reload();
        echoes(&mut ours).await;
        echoes(&mut others).await;

        let moment = guarded.end(end);
        guarded.reported(Report::Released("valid".into())).await;
        assert_ended("a WebSocket, at the handler", end, moment);
        assert_eq!(within(ours.read(&mut [0])).await.unwrap(), 0);
        assert_ended("a WebSocket, at the client", end, moment);
        echoes(&mut others).await;
    }
}
