//! Adapters between the layer and the request and response types of a client.
//!
//! The layer asks an adapter where a request goes, how to set a header and send the request again
//! ([`RequestAdapter`]), and what an answer says about the key ([`ClassifyRejection`]). The default
//! is [`HttpAdapter`], for `http::Request` and `http::Response`. For other clients, build a
//! [`ClientAdapter`] from functions that the client's types have, and give it to
//! [`InjectKeyLayer::adapter`](crate::outbound::InjectKeyLayer::adapter). [`Rejection`] lists which
//! statuses reject a key, and which prove one.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{HeaderMap, StatusCode};
//! use tower::{Layer, service_fn};
//! use tower_rotating_auth::{
//!     Secret,
//!     outbound::adapter::ClientAdapter,
//!     outbound::{RotatingCredential, Credential, InjectKeyLayer},
//! };
//!
//! /// The request and the response of some client.
//! #[derive(Clone)]
//! struct Call {
//!     url: String,
//!     headers: HeaderMap,
//! }
//! struct Reply {
//!     status: StatusCode,
//!     text: String,
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (key, _publisher) = RotatingCredential::manual(Credential::x_api_key(&Secret::from("k-1"))?);
//! let adapter = ClientAdapter::new(
//!     |call: &Call| &call.url,
//!     |call| &mut call.headers,
//!     |call| Some(call.clone()),
//! )
//! .status(|reply: &Reply| reply.status);
//! let client = InjectKeyLayer::new("https://api.example.com", key)?
//!     .adapter(adapter)
//!     .layer(service_fn(async |call: Call| {
//!         let text = call.headers["x-api-key"].to_str().unwrap().to_owned();
//!         Ok::<_, Infallible>(Reply { status: StatusCode::OK, text })
//!     }));
//!
//! let url = "https://api.example.com/v1".to_owned();
//! let reply = client.oneshot(Call { url, headers: HeaderMap::new() }).await?;
//! assert_eq!(reply.text, "k-1");
//! # Ok(())
//! # }
//! ```
//!
//! # Caveats
//!
//! - A [`ClientAdapter`] knows a request's method only from [`ClientAdapter::method`]. Without it,
//!   TRACE and CONNECT requests get the key.
//! - An adapter made by [`ClientAdapter::for_factory`] sees neither URL nor method nor headers. The
//!   key goes wherever the client goes; set that with
//!   [`InjectKeyLayer::assume_origin`](crate::outbound::InjectKeyLayer::assume_origin). Headers
//!   that the caller has set stay, except for one of the key's own name.
//! - A client that follows redirects itself can carry the key to another origin. See
//!   [`InjectKeyLayer`](crate::outbound::InjectKeyLayer#redirects).
//! - An adapter that panics makes the request panic.

mod classify;
mod client;
mod extended_connect;
mod http;
mod rejection;
mod request;
mod saved_head;
mod scheme;
mod target;

pub use self::classify::{ClassifyRejection, Verdict};
pub use self::client::{ClientAdapter, ResponseAdapter};
pub(crate) use self::extended_connect::ExtendedConnect;
pub use self::http::{HttpAdapter, SavedRequest};
pub use self::rejection::Rejection;
pub use self::request::{Kept, RequestAdapter, is_same_header};
pub(crate) use self::saved_head::SavedHead;
pub(crate) use self::scheme::Scheme;
pub use self::target::Target;
pub(crate) use self::target::{Host, MethodKind, Place, Written, host_and_port};
