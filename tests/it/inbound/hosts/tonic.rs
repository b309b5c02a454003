//! Tests with a tonic server over a socket. Errors are gRPC statuses.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2 as client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tonic::Status;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::{Service, service_fn};
use tower_rotating_auth::{Rotating, inbound::KeySet};

use crate::inbound::keys::{self, Case, Expected, cases, require_key_at, seen};
use crate::support::Text;

/// A gRPC service that responds with a description of the call.
#[derive(Clone)]
struct Mirror;

impl NamedService for Mirror {
    const NAME: &'static str = "test.Mirror";
}

impl Service<Request<Body>> for Mirror {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let uri = request.uri().clone();
        let method = service_fn(move |request: tonic::Request<String>| {
            let (metadata, extensions, _) = request.into_parts();
            let mut request = Request::new(());
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = metadata.into_headers();
            *request.extensions_mut() = extensions;
            std::future::ready(Ok::<_, Status>(tonic::Response::new(seen(&request))))
        });
        Box::pin(async { Ok(Grpc::new(Text).unary(method, request).await) })
    }
}

async fn connect(keys: Rotating<KeySet>) -> client::SendRequest<Full<Bytes>> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder()
        .layer(require_key_at(keys, &Method::POST, "/test.Mirror"))
        .add_service(Mirror)
        .serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(server);
    let connection = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let handshake = client::handshake(TokioExecutor::new(), connection);
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Returns the gRPC call for the request of a case: to the method that has the name of its path.
fn call(case: &Case) -> Request<Full<Bytes>> {
    let mut request: Request<Full<Bytes>> = case.request();
    let path = match request.uri().path_and_query().unwrap().as_str() {
        "/" => "/test.Mirror/Say".to_owned(),
        query if query.starts_with("/?") => format!("/test.Mirror/Say{}", &query[1..]),
        path => format!("/test.Mirror{path}"),
    };
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority("localhost")
        .path_and_query(path)
        .build()
        .unwrap();
    let headers = request.headers_mut();
    headers.insert("content-type", "application/grpc".parse().unwrap());
    headers.insert("te", "trailers".parse().unwrap());
    // A message: not compressed, two bytes, "hi".
    *request.body_mut() = Full::from(&b"\0\0\0\0\x02hi"[..]);
    request
}

fn grpc_status(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("grpc-status")
        .map(|status| status.to_str().unwrap())
}

#[tokio::test]
async fn tonic_server_answers_all_cases_in_grpc() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let mut sender = connect(keys).await;
    for case in cases() {
        let row = case.row;
        sender.ready().await.unwrap();
        let response = sender.send_request(call(&case)).await.unwrap();
        assert_eq!(response.status(), 200, "{row}: {response:?}");
        assert_eq!(
            response.headers()["content-type"],
            "application/grpc",
            "{row}"
        );
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        let message = body.to_bytes();
        match case.expected {
            Expected::Served(who) => {
                assert_eq!(grpc_status(&trailers), Some("0"), "{row}: {head:?}");
                let text = std::str::from_utf8(&message[5..]).unwrap();
                assert!(text.starts_with(&format!("{who}\n")), "{row}: {text}");
                assert!(!text.contains("8Zk1tQ0mVd7RyXw3LpHs5N"), "{row}: {text}");
            }
            Expected::Refused {
                status, challenge, ..
            } => {
                let code = match status {
                    400 => "3",
                    401 => "16",
                    403 => "7",
                    other => unreachable!("{other}"),
                };
                assert_eq!(grpc_status(&head.headers), Some(code), "{row}");
                assert!(message.is_empty(), "{row}");
                let challenges = head.headers.get("www-authenticate");
                let challenges = challenges.map(|line| line.to_str().unwrap());
                assert_eq!(challenges, challenge, "{row}");
                // A gRPC client can read the status.
                let status = Status::from_header_map(&head.headers).unwrap();
                assert!(!status.message().is_empty(), "{row}");
            }
        }
    }
}

#[tokio::test]
async fn http_client_of_tonic_gets_http_error() {
    let (keys, _publisher) = Rotating::manual(keys::keys());
    let mut sender = connect(keys).await;
    let mut request = Request::get("http://localhost/test.Mirror/Say");
    request = request.header("accept", "application/json");
    let response = sender
        .send_request(request.body(Full::default()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["www-authenticate"], keys::BARE);
}
