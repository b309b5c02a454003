//! Bodies that stream.

use http_body::Body;

use super::Replay;
use super::frame::BoxError;
use super::hand_over::record;
use super::map_body::MapBody;
use super::replay_body::ReplayBody;
use super::saved_body::SavedBody;

/// Keeps what was sent of a body, up to so many bytes: for bodies that stream, of whatever length.
///
/// The body streams through, frame by frame and without delay, and what the first attempt takes of it is recorded.
/// A second attempt sends that and goes on with the rest, which it takes over from the first. Most rejections
/// come before much of the body was sent, and so an upload that is a thousand times as long as `max_bytes` can be
/// sent again. Where more was sent than that, the caller is given the rejection.
///
/// - What was recorded is freed as soon as the answer is known not to be a rejection, or the limit is passed. Of
///   requests that do not carry the key, nothing is recorded.
/// - From the rejection on, no more of the body is sent until it is known whether there is a newer key. If there
///   is one, the first attempt's body fails with [`Superseded`](crate::outbound::replay::Superseded), which closes its
///   connection, or resets its stream; otherwise it goes on.
/// - Both attempts tell the same length, and so are framed alike; trailers are kept. Where one frame ends and the
///   next begins may differ.
/// - A body that fails is not sent again.
/// - The inner service is given a [`ReplayBody`]: a client that takes one type only, hyper-util's with `axum::body::Body`
///   say, has it made into that by [`map`](Self::map).
///
/// Up to `max_bytes` are kept for each request that is under way: so many times the requests that a client may have at a
/// time. What is needed is what an upstream reads before it rejects, often no more than a connection's buffers: some 64 KiB.
///
/// The body need be neither `Clone` nor `Sync`; one that is not `Unpin` is boxed first, by
/// `request.map(Box::pin)`. Trailers do not count as bytes. Data that is not `Bytes` is copied. For bodies
/// that are in memory as a whole, [`CloneBody`](crate::outbound::replay::CloneBody) costs less.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::{BodyExt, Full};
/// use tower_rotating_auth::outbound::replay::{BufferBody, Replay};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let buffer = BufferBody::new(64 * 1024);
/// let (mut first, saved) = buffer.save(Full::new(Bytes::from("an upload")));
/// assert_eq!(first.frame().await.unwrap()?.into_data().unwrap(), "an upload");
///
/// let second = saved.and_then(|saved| buffer.restore(saved)).unwrap();
/// assert_eq!(second.collect().await?.to_bytes(), "an upload");
/// assert!(first.frame().await.unwrap().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BufferBody {
    max_bytes: usize,
}

impl BufferBody {
    /// Records at most so many bytes of each body.
    #[must_use]
    pub const fn new(max_bytes: usize) -> Self {
        Self { max_bytes }
    }

    /// Hands the inner service the body as another type: for services that take one type only, such as
    /// `axum::body::Body` or `tonic::body::Body`.
    ///
    /// ```
    /// use axum::body::Body;
    /// use http::{Request, Response};
    /// use tower::{Layer, ServiceExt, service_fn};
    /// use tower_rotating_auth::{
    ///     Rotating,
    ///     Secret,
    ///     outbound::{Credential, InjectKeyLayer},
    ///     outbound::replay::BufferBody,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (key, _publisher) = Rotating::manual(Credential::bearer(&Secret::from("sk-1"))?);
    /// let inner = service_fn(async |request: Request<Body>| {
    ///     Ok::<_, std::convert::Infallible>(Response::new(request.into_body()))
    /// });
    /// let client = InjectKeyLayer::new("https://api.example.com", key)?
    ///     .replay(BufferBody::new(64 * 1024).map(Body::new))
    ///     .layer(inner);
    /// let response = client.oneshot(Request::new(Body::from("an upload"))).await?;
    /// # let body = axum::body::to_bytes(response.into_body(), 1024).await?;
    /// # assert_eq!(body, "an upload");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn map<F>(self, map: F) -> MapBody<F> {
        MapBody::new(self, map)
    }
}

#[diagnostic::do_not_recommend]
impl<B> Replay<B> for BufferBody
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    type Body = ReplayBody<B>;
    type Saved = SavedBody<B>;

    fn pass(&self, body: B) -> ReplayBody<B> {
        ReplayBody::plain(body)
    }

    fn save(&self, body: B) -> (ReplayBody<B>, Option<SavedBody<B>>) {
        let hint = body.size_hint();
        if body.is_end_stream() {
            return (ReplayBody::plain(body), Some(SavedBody::empty(hint)));
        }
        let (first, claim) = record(body, self.max_bytes);
        (
            ReplayBody::first(first),
            Some(SavedBody::claim(claim, hint)),
        )
    }

    fn pause(&self, saved: SavedBody<B>) -> Option<SavedBody<B>> {
        saved.pause()
    }

    fn restore(&self, saved: SavedBody<B>) -> Option<ReplayBody<B>> {
        saved.restore()
    }
}
