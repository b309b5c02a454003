//! Ways to keep a request's body, so that it can be sent again.
//!
//! A [`Replay`] decides what is kept of a body until it is known that no replay follows:
//!
//! | | for | costs |
//! |---|---|---|
//! | [`CloneBody`], the default | bodies in memory, such as `Full<Bytes>` | a clone |
//! | [`BufferBody`] | bodies that stream | up to `max_bytes` for each request in flight |
//! | a closure `Fn(&B) -> Option<B>` | bodies of which some can be copied | what it does |
//!
//! Set it with [`InjectKeyLayer::replay`](crate::outbound::InjectKeyLayer::replay).
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{Layer, service_fn};
//! use tower_rotating_auth::{
//!     Secret,
//!     outbound::replay::{BufferBody, ReplayBody},
//!     outbound::{RotatingCredential, Credential, InjectKeyLayer, IntoCredential, Outcome},
//!     source::{SourceError, source_fn},
//! };
//!
//! type Upload = Full<Bytes>; // stands for a body that streams
//!
//! /// Reads the upload, and accepts the second key alone.
//! async fn upstream(request: Request<ReplayBody<Upload>>) -> Result<Response<Bytes>, Infallible> {
//!     let (head, body) = request.into_parts();
//!     let body = body.collect().await.unwrap().to_bytes();
//!     let mut response = Response::new(body);
//!     if head.headers["authorization"] != "Bearer sk-2" {
//!         *response.status_mut() = http::StatusCode::UNAUTHORIZED;
//!     }
//!     Ok(response)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The first fetch returns sk-1, the next one sk-2.
//! let mut fetches = 0;
//! let source = source_fn(move || {
//!     fetches += 1;
//!     let secret = Secret::from(format!("sk-{fetches}"));
//!     async move { Ok::<_, SourceError>(secret) }
//! });
//! let key = RotatingCredential::start(source.bearer()).await?;
//! let client = InjectKeyLayer::new("https://api.example.com", key)?
//!     .replay(BufferBody::new(64 * 1024))
//!     .layer(service_fn(upstream));
//!
//! let request = Request::post("https://api.example.com/files").body(Upload::from("an upload"))?;
//! let response = client.oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.body(), "an upload");
//! assert!(response.extensions().get().is_some_and(Outcome::is_replayed));
//! # Ok(())
//! # }
//! ```
//!
//! # Caveats
//!
//! - A `BufferBody` replays only if at most `max_bytes` were sent before the rejection.
//! - A body that failed during an attempt is not replayed.
//! - If the upstream rejects a request and neither reads on nor closes, the abandoned attempt keeps
//!   its HTTP/1.1 connection until it does. A client polls a body only when there is room to send.
//! - If the upstream rejects an upload and closes the connection, hyper can lose the rejection. The
//!   connector in [`outbound::connect`](crate::outbound::connect) prevents that.
//! - If the upstream closes an HTTP/1.1 connection without reading the body, another request on
//!   that connection can fail too.

mod buffer_body;
mod clone_body;
mod error;
mod map_body;
mod record;
mod replay_body;
mod saved_body;

pub use self::buffer_body::BufferBody;
pub use self::clone_body::CloneBody;
pub use self::error::SupersededError;
pub use self::map_body::MapBody;
pub use self::replay_body::ReplayBody;
pub use self::saved_body::SavedBody;

/// A way to keep a request's body until it is known that no replay follows.
///
/// It is a type parameter of the layer, because it decides the body type that the inner service
/// gets.
#[diagnostic::on_unimplemented(
    message = "a body of type `{B}` cannot be kept for a second attempt by `{Self}`",
    note = "call `.replay(…)` with a `BufferBody`, which records what was sent of a stream, or with a closure \
            `Fn(&Body) -> Option<Body>`",
    note = "or call `.without_replay()`, which passes a 401 on",
    note = "the default, `CloneBody`, needs bodies that are `Clone`"
)]
pub trait Replay<B> {
    /// The body that the inner service gets.
    type Body;
    /// What is kept of a body. It is dropped as soon as it is known that there is no replay.
    type Saved;

    /// Converts a body that is sent once.
    fn pass(&self, body: B) -> Self::Body;

    /// Converts a body that may be sent again, and saves what a replay needs.
    ///
    /// Returns `None` in its place if the body cannot be sent again.
    fn save(&self, body: B) -> (Self::Body, Option<Self::Saved>);

    /// Pauses the body of an attempt after its rejection, until it is known whether there is a
    /// replay.
    ///
    /// Returns `None` if the body can no longer be replayed. Defaults to doing nothing.
    fn pause(&self, saved: Self::Saved) -> Option<Self::Saved> {
        Some(saved)
    }

    /// Restores the body for the replay, or returns `None` if it can no longer be replayed.
    fn restore(&self, saved: Self::Saved) -> Option<Self::Body>;

    /// Restores the body as [`restore`](Self::restore) does, and keeps what yet another replay
    /// needs, for [`max_sends`](crate::outbound::InjectKeyLayer::max_sends).
    ///
    /// Returns `None` in its place if there can be only one replay, which is the default.
    fn restore_again(&self, saved: Self::Saved) -> Option<(Self::Body, Option<Self::Saved>)> {
        Some((self.restore(saved)?, None))
    }
}
