//! Holding an upload back until the upstream has seen its headers (RFC 9110 §10.1.1).
//!
//! A client writes an upload as fast as the sockets take it. Until a 401 arrives, several MB of it
//! can lie in kernel buffers, which is more than a [`BufferBody`] keeps. So the upload cannot be
//! sent again with the new key. [`ExpectContinue`] asks first: it adds `Expect: 100-continue` to
//! long uploads, and sends nothing of the body before the upstream says `100 Continue`. A rejection
//! then comes before the body, at any length, and the replay has all of it.
//!
//! [`BufferBody`]: crate::outbound::replay::BufferBody
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::Request;
//! use http_body_util::Full;
//! use hyper_util::client::legacy::{Client, connect::HttpConnector};
//! use hyper_util::rt::TokioExecutor;
//! use tower::{ServiceBuilder, ServiceExt};
//! use tower_rotating_auth::outbound::connect::ExpectContinueLayer;
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let url = format!("http://{}/files", listener.local_addr()?);
//! # let received = tokio::spawn(async move {
//! #     let (mut stream, _) = listener.accept().await.unwrap();
//! #     let mut head = [0; 1024];
//! #     let length = stream.read(&mut head).await.unwrap();
//! #     stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").await.unwrap();
//! #     let mut body = Vec::new();
//! #     stream.read_to_end(&mut body).await.unwrap();
//! #     assert!(head[..length].ends_with(b"\r\n\r\n"));
//! #     body.len()
//! # });
//! // Below `InjectKeyLayer`, with the limit of its `BufferBody`.
//! let client = ServiceBuilder::new()
//!     .layer(ExpectContinueLayer::new(1024 * 1024))
//!     .service(Client::builder(TokioExecutor::new()).build(HttpConnector::new()));
//!
//! let upload = Full::new(Bytes::from(vec![0; 20_000_000]));
//! let response = client.oneshot(Request::post(url).body(upload)?).await?;
//! assert_eq!(response.status(), 401);
//! drop(response);
//! assert_eq!(received.await?, 0); // nothing of the body was sent
//! # Ok(())
//! # }
//! ```
//!
//! # What it costs
//!
//! A round trip for each long upload. An upstream that ignores the header costs the
//! [timeout](ExpectContinueLayer::timeout), 1 s, after which the body is sent. After a
//! `417 Expectation Failed`, the request is sent again without the header, and later requests to
//! that origin without it at once.
//!
//! # Caveats
//!
//! - hyper reports `100 Continue` for HTTP/1.1 only. A service that has seen an HTTP/2 response of
//!   an origin stops asking it; there, the flow-control window of the upstream limits what is sent
//!   ahead.
//! - If the upstream rejects a request before its body, the HTTP/1.1 connection is closed when the
//!   response body ends or is dropped: the upstream still waits for the upload.

mod body;
mod future;
mod held;
mod layer;
mod options;
mod pointless;
mod response_body;
mod service;

pub use self::body::ExpectContinueBody;
pub use self::future::ResponseFuture;
pub use self::layer::ExpectContinueLayer;
pub use self::options::UnknownLength;
pub use self::response_body::ExpectContinueResponseBody;
pub use self::service::ExpectContinue;
