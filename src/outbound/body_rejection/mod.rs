//! Rejections that only the body of a response shows.
//!
//! Some providers answer a wrong key with a status that has other meanings, too. Gemini answers 400
//! and says why in JSON. [`RejectByBodyLayer`] stands between
//! [`InjectKeyLayer`](crate::outbound::InjectKeyLayer) and the client. It reads the beginning of
//! such a response, and marks a rejection, so that the request is replayed with another key:
//!
//! ```text
//! request ──► InjectKey ──► RejectByBody ──► client
//!                 ▲               │
//!                 └── a 400 that rejects the key: marked with Verdict::Rejected
//! ```
//!
//! | a response | |
//! |---|---|
//! | of another status, of another type than JSON, or with a `content-encoding` | passes untouched |
//! | with one of the statuses, in JSON | is read up to 8 KiB, or for 1 s |
//!
//! In any case the body reaches the caller as the upstream sent it, with its trailers and errors.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, service_fn};
//! use tower_rotating_auth::{
//!     RotatingAuthLayer,
//!     Secret,
//!     outbound::{RotatingCredential, Credential, InjectKeyLayer, IntoCredential, Outcome},
//!     outbound::body_rejection::RejectByBodyLayer,
//!     source::{SourceError, source_fn},
//! };
//!
//! /// Stands for Gemini, which accepts the second key alone.
//! async fn gemini(request: Request<String>) -> Result<Response<Full<Bytes>>, http::Error> {
//!     if request.headers()["x-goog-api-key"] == "k-2" {
//!         return Ok(Response::new("{\"candidates\":[]}".into()));
//!     }
//!     Response::builder()
//!         .status(400)
//!         .header("content-type", "application/json; charset=UTF-8")
//!         .body(r#"{"error": {"details": [{"reason": "API_KEY_INVALID"}]}}"#.into())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut fetches = 0;
//! # let source = source_fn(move || {
//! #     fetches += 1;
//! #     let secret = Secret::from(format!("k-{fetches}"));
//! #     async move { Ok::<_, SourceError>(secret) }
//! # });
//! let key = RotatingCredential::start(source.x_goog_api_key()).await?; // k-1, then k-2
//! let origin = "https://generativelanguage.googleapis.com";
//! let client = ServiceBuilder::new()
//!     .layer(RotatingAuthLayer::new().inject(InjectKeyLayer::new(origin, key)?))
//!     .layer(RejectByBodyLayer::gemini())
//!     .service(service_fn(gemini));
//!
//! let request = Request::get(format!("{origin}/v1beta/models")).body(String::new())?;
//! let response = client.oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! assert!(response.extensions().get().is_some_and(Outcome::is_replayed));
//! # Ok(())
//! # }
//! ```
//!
//! # Caveats
//!
//! - A response that is read reaches the caller up to 1 s later. Set
//!   [`read_timeout`](RejectByBodyLayer::read_timeout).
//! - No body is decompressed. Put a layer that decompresses between this one and the client.
//! - The layer takes responses of type `http::Response`. For another client, put the rule into
//!   [`ClientAdapter::rejects`](crate::outbound::adapter::ClientAdapter::rejects).
//! - Outside of `InjectKeyLayer`, it has no effect.

mod body;
mod future;
mod json;
mod layer;
mod reading;
mod rule;
mod service;

pub use self::body::PrefixedBody;
pub use self::future::ResponseFuture;
pub use self::json::has_member;
pub use self::layer::RejectByBodyLayer;
pub use self::service::RejectByBody;
