//! Both protocols, for tests of what holds over either.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HOST;
use http::response::Parts;
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Http2;
use super::soon;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    pub(crate) const BOTH: [Self; 2] = [Self::Http1, Self::Http2];

    /// Sends one request on a connection of its own. Its address is that of `localhost`, unless it
    /// says another.
    pub(crate) async fn fetch(
        self,
        address: SocketAddr,
        mut request: Request<Full<Bytes>>,
    ) -> (Parts, Bytes) {
        if self == Self::Http2 {
            if request.uri().authority().is_none() {
                let uri = format!("http://localhost{}", request.uri());
                *request.uri_mut() = uri.parse::<Uri>().unwrap();
            }
            return Http2::connect(address).await.send(request).await;
        }
        let localhost = HeaderValue::from_static("localhost");
        request.headers_mut().entry(HOST).or_insert(localhost);
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let answer = soon(sender.send_request(request)).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = soon(body.collect()).await.unwrap().to_bytes();
        (head, body)
    }

    /// Sends a GET.
    pub(crate) async fn get(
        self,
        address: SocketAddr,
        target: &str,
        headers: &[(&str, &str)],
    ) -> (Parts, Bytes) {
        let mut request = Request::get(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::default()).unwrap();
        self.fetch(address, request).await
    }
}
