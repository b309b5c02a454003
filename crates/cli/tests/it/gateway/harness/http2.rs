//! A client of HTTP/2 by prior knowledge.

use std::net::SocketAddr;

use bytes::Bytes;
use http::response::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::soon;

/// One connection.
#[derive(Clone)]
pub(crate) struct Http2(SendRequest<Full<Bytes>>);

impl Http2 {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub(crate) async fn begin(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        self.0.ready().await?;
        self.0.send_request(request).await
    }

    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> (Parts, Bytes) {
        let (head, body) = soon(self.begin(request)).await.unwrap().into_parts();
        let body = soon(body.collect()).await.unwrap().to_bytes();
        (head, body)
    }

    /// Sends a GET without a body.
    pub(crate) async fn get(&mut self, url: &str, headers: &[(&str, &str)]) -> (Parts, Bytes) {
        let mut request = Request::get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::default()).unwrap()).await
    }

    /// Waits for the end of the connection.
    pub(crate) async fn ended(&mut self) {
        let end = async {
            while self.0.ready().await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        soon(end).await;
    }
}
