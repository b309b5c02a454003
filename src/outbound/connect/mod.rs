//! What hyper's clients need so that no upload and no request is lost.
//!
//! | | |
//! |---|---|
//! | [`EarlyResponseConnector`] | gets a response although the upload breaks off |
//! | [`ExpectContinueLayer`] | holds long uploads back until the upstream has seen their key |
//! | [`ResendLayer`] | sends again what got no response, where that is safe |
//!
//! Put them below [`InjectKeyLayer`](crate::outbound::InjectKeyLayer), `ResendLayer` first.
//!
//! # Early responses
//!
//! An upstream may reject an upload by its headers: it responds, and closes the connection while
//! the client still sends the body. The next write fails with `EPIPE` or `ECONNRESET`. hyper's
//! HTTP/1 client returns that error before it reads again, and drops the response that lies in the
//! receive buffer. The caller gets an error instead of a 401, and nothing is replayed.
//!
//! [`EarlyResponseConnector`] wraps the client's connector. Its connections keep a failed write
//! pending until the client has read all input, for 500 ms at most.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::Request;
//! use http_body_util::Full;
//! use hyper_util::client::legacy::{Client, connect::HttpConnector};
//! use hyper_util::rt::TokioExecutor;
//! use tower_rotating_auth::outbound::connect::EarlyResponseConnector;
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let url = format!("http://{}/files", listener.local_addr()?);
//! # tokio::spawn(async move {
//! #     let (mut stream, _) = listener.accept().await.unwrap();
//! #     stream.read(&mut [0; 1024]).await.unwrap();
//! #     stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").await.unwrap();
//! # });
//! let connector = EarlyResponseConnector::new(HttpConnector::new());
//! let client = Client::builder(TokioExecutor::new()).build(connector);
//!
//! // The upstream responds to the headers, and closes the connection.
//! let upload = Full::new(Bytes::from(vec![0; 5_000_000]));
//! let response = client.request(Request::post(url).body(upload)?).await?;
//! assert_eq!(response.status(), 401);
//! # Ok(())
//! # }
//! ```
//!
//! # Clients
//!
//! | client | how |
//! |---|---|
//! | hyper-util's `legacy::Client` | `Client::builder(…).build(EarlyResponseConnector::new(connector))` |
//! | hyper-rustls, hyper-tls | below TLS: `wrap_connector` of the builder, `HttpsConnector::new_with_connector` |
//! | tonic | `Endpoint::connect_with_connector`, `Endpoint::connect_with_connector_lazy` |
//! | hyper's `client::conn` | an [`EarlyResponseStream`] around the socket |
//! | reqwest | not possible: a layer for `connector_layer` must return reqwest's own, private connection |
//!
//! Wrap the connector *below* TLS. A TLS stream returns errors of its own, and reports what it
//! buffers as written.
//!
//! # What it saves
//!
//! Responses lost, of uploads of 500 kB to 20 MB on loopback, with and without TLS:
//!
//! | the upstream responds, and … | hyper | with this connector | Envoy 1.40 |
//! |---|---|---|---|
//! | closes the HTTP/1.1 connection | 27 % | none of 9,600 | 54 % |
//! | resets the HTTP/2 stream, and closes the connection | 33 % | 0.3 % | 1 % |
//! | resets the HTTP/2 stream | none | none | none |
//!
//! If an upstream closes an HTTP/2 connection without `RST_STREAM`, the h2 client drops the
//! responses of open streams itself. No connector changes that.
//!
//! # Caveats
//!
//! - If the upstream resets the connection before its response has left, there is nothing to read.
//! - A client that does not read while a write is pending gets the error after the timeout. HTTP/2
//!   does so while it has an acknowledgement to send.
//! - The connection of an early response can stay open until the timeout. The caller has the
//!   response by then.
//! - The connector sends nothing again. That a body was not sent to its end does not prove that the
//!   upstream did nothing.

pub mod expect_continue;
pub mod resend;

mod connector;
mod input;
mod layer;
mod stream;
#[cfg(test)]
mod tests;
mod write_state;

pub use self::connector::{ConnectFuture, EarlyResponseConnector, EarlyResponseIo};
pub use self::expect_continue::ExpectContinueLayer;
pub use self::layer::EarlyResponseLayer;
pub use self::resend::ResendLayer;
pub use self::stream::EarlyResponseStream;
