//! Sending a request again that got no response.
//!
//! A connection can break before its response. Whether the upstream has acted on the request is
//! known only in a few cases, so this layer sends a request a second time only if one of these
//! holds:
//!
//! | the request | [`Resend`] |
//! |---|---|
//! | was not processed: its HTTP/2 stream was reset with `REFUSED_STREAM` ([RFC 9113 §8.7]) | each |
//! | has an idempotent method: GET, HEAD, OPTIONS, TRACE, PUT, DELETE ([RFC 9110 §9.2.2]) | `Idempotent`, the default, and `Always` |
//! | is one that the application calls safe to repeat | `Always` |
//!
//! A request that never left, because a pooled connection was closed before it, is sent again by
//! hyper-util itself. A `GOAWAY` is no proof: h2 reports the same error for streams above its last
//! stream, which were not processed, and for those below it, which may have been.
//!
//! [RFC 9110 §9.2.2]: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2
//! [RFC 9113 §8.7]: https://www.rfc-editor.org/rfc/rfc9113#section-8.7
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
//! use tower_rotating_auth::outbound::connect::ResendLayer;
//! use tower_rotating_auth::outbound::replay::CloneBody;
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let url = format!("http://{}/models", listener.local_addr()?);
//! # tokio::spawn(async move {
//! #     let (mut stream, _) = listener.accept().await.unwrap();
//! #     stream.read(&mut [0; 1024]).await.unwrap();
//! #     drop(stream);
//! #     let (mut stream, _) = listener.accept().await.unwrap();
//! #     stream.read(&mut [0; 1024]).await.unwrap();
//! #     stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
//! # });
//! // Below `InjectKeyLayer`: both requests carry the same key.
//! let client = ServiceBuilder::new()
//!     .layer(ResendLayer::new(CloneBody))
//!     .service(Client::builder(TokioExecutor::new()).build(HttpConnector::new()));
//!
//! // The upstream closes the first connection without a response.
//! let response = client.oneshot(Request::get(url).body(Full::<Bytes>::default())?).await?;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```

mod layer;
mod no_response;
mod service;

pub use self::layer::ResendLayer;
pub use self::no_response::Resend;
pub use self::service::{ResendService, ResponseFuture};
