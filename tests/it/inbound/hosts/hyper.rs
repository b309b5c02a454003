//! Tests with a plain hyper server over a socket.

use bytes::Bytes;
use http::header::HOST;
use http_body_util::Empty;
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::Layer;
use tower_rotating_auth::{Rotating, inbound::KeySet};

use super::whole;
use crate::inbound::keys::{self, VALID, cases, require_key};
use crate::inbound::layer::{Echo, check};

async fn connect(keys: Rotating<KeySet>) -> client::SendRequest<Empty<Bytes>> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (connection, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(require_key(keys).layer(Echo));
        let served = server::Builder::new().serve_connection(TokioIo::new(connection), service);
        served.await.unwrap();
    });
    let connection = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = client::handshake(TokioIo::new(connection)).await.unwrap();
    tokio::spawn(connection);
    sender
}

#[tokio::test]
async fn hyper_server_answers_all_cases() {
    let (keys, mut publisher) = Rotating::manual(keys::keys());
    let mut sender = connect(keys).await;
    // All on one connection, which an error response does not close.
    for case in cases() {
        let mut request = case.request();
        request
            .headers_mut()
            .insert(HOST, "localhost".parse().unwrap());
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        check(&case, &whole(response).await);
    }
    publisher.publish(KeySet::empty());
    let request = http::Request::get("/")
        .header(HOST, "localhost")
        .header("x-api-key", VALID);
    sender.ready().await.unwrap();
    let response = sender
        .send_request(request.body(Empty::new()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
}
