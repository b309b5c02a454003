//! The outbound half: the current key on each request, and a replay when the upstream rejects it.
//!
//! [`InjectKeyLayer`] wraps a client. For each request it looks up the key for the request's
//! origin, loads the current [`Credential`] once, and sets the header. If the upstream rejects the
//! credential, the layer replays the request with another one:
//!
//! ```text
//! request ──► inject ──► send ──► rejected? ── no ──► response
//!                         ▲          │ yes
//!                         └─ replay ◄┴─ another credential, or a refresh
//! ```
//!
//! # Make before break
//!
//! A [`RotatingCredential`] may be ahead of its upstream or behind it. While the upstream has not
//! accepted a new credential, the previous one stays in use, and one request at a time, the
//! *canary*, tries the new one. The first acceptance moves all requests to it.
//!
//! | rejected so far | next |
//! |---|---|
//! | nothing | the previous credential while it works and the current one is not accepted yet; else the current one |
//! | the previous one | the current one |
//! | the current one, not accepted yet | the previous one |
//! | the current one, accepted before | a newer one if there is one, else the previous one within the [overlap](RotatingCredentialBuilder::overlap) |
//! | all there are | a newer one, after a refresh |
//!
//! One rejection shows nothing about a credential, since the upstream may reject that request with
//! any. So a request that is always rejected changes nothing for others.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, service_fn};
//! use tower_rotating_auth::{
//!     Secret,
//!     outbound::{RotatingCredential, Credential, InjectKeyLayer},
//! };
//!
//! // Responds with the key that it was sent.
//! async fn upstream(request: Request<String>) -> Result<Response<String>, Infallible> {
//!     let sent = request.headers().get("authorization");
//!     Ok(Response::new(sent.map_or("", |key| key.to_str().unwrap()).into()))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (key, mut publisher) = RotatingCredential::manual(Credential::bearer(&Secret::from("sk-1"))?);
//! let client = ServiceBuilder::new()
//!     .layer(InjectKeyLayer::new("https://api.example.com", key)?)
//!     .service(service_fn(upstream));
//! let get = |url: &str| Request::get(url).body(String::new()).unwrap();
//!
//! let response = client.clone().oneshot(get("https://api.example.com/v1")).await?;
//! assert_eq!(response.body(), "Bearer sk-1");
//!
//! // The key rotates. The client stays.
//! publisher.publish(Credential::bearer(&Secret::from("sk-2"))?);
//! let response = client.clone().oneshot(get("https://api.example.com/v1")).await?;
//! assert_eq!(response.body(), "Bearer sk-2");
//!
//! // Other origins get no key.
//! let response = client.oneshot(get("https://elsewhere.example.com/v1")).await?;
//! assert_eq!(response.body(), "");
//! # Ok(())
//! # }
//! ```
//!
//! # Caveats
//!
//! - A request is sent at most twice, or three times with [`max_sends`](InjectKeyLayer::max_sends).
//!   The caller gets the last rejection if the upstream switches keys twice while the request is in
//!   flight. With two sends, that also happens to a canary that is in flight at the switch.
//! - A replay needs the body again. The default, [`CloneBody`](replay::CloneBody), needs bodies that
//!   are `Clone`. See [`replay`] for bodies that stream. A body that cannot be sent again is lost if
//!   the upstream drops the old key while it is in flight, or if it is the canary.
//! - The upstream's nodes may disagree about the keys for as long as the overlap. If they disagree
//!   for longer, or if the old key is already dead on some of them, requests are lost.
//! - [`without_replay`](InjectKeyLayer::without_replay) looks at no answers, and so has no canary: it
//!   always sends the current credential.
//! - Clients that follow redirects themselves can carry the key to another origin. See
//!   [`InjectKeyLayer`](InjectKeyLayer#redirects).
//! - A gRPC call whose `UNAUTHENTICATED` comes in its trailers is not replayed: by then the caller
//!   has the response.
//! - A [`ClientAdapter`](adapter::ClientAdapter) sees a request's method only if you add it with
//!   [`method`](adapter::ClientAdapter::method).
//! - Most statuses but 401 and 2xx say nothing about the key, since something in front of the
//!   upstream may have sent them. [`Rejection`](adapter::Rejection) lists which count.
//! - A key that is rejected with another status than 401 needs
//!   [`rejected_by`](InjectKeyLayer::rejected_by), or a [`body_rejection`] if only the body says so.

pub mod adapter;
pub mod body_rejection;
mod config;
#[cfg(feature = "connect")]
pub mod connect;
mod credential;
mod error;
mod event;
mod evidence;
mod header;
mod inject_key;
mod inject_key_once;
mod into_credential;
mod outcome;
mod override_existing;
mod per_thread;
pub mod replay;
mod rotating_credential;
mod routes;

pub use self::credential::{AuthScheme, Credential};
pub use self::error::{ConfigError, ConfigErrorKind};
pub use self::event::{Event, EventKind, RequestInfo};
pub use self::evidence::Evidence;
pub use self::inject_key::{InjectKey, InjectKeyLayer, ResponseFuture};
pub use self::inject_key_once::{InjectKeyOnce, InjectKeyOnceLayer};
pub use self::into_credential::IntoCredential;
pub use self::outcome::{Attempt, AttemptResult, NotReplayed, Outcome};
pub use self::override_existing::OverrideExisting;
pub use self::rotating_credential::{
    CredentialPublisher, RotatingCredential, RotatingCredentialBuilder,
};
pub use self::routes::{Origin, Route};
