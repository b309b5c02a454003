//! Recording of bodies that stream.

use http_body::Body;

use super::Replay;
use super::record::{Spliced, record};
use super::replay_body::ReplayBody;
use super::saved_body::SavedBody;
use crate::box_error::BoxError;

/// A [`Replay`] that records what was sent of a body, up to a limit. For bodies that stream.
///
/// The body streams through frame by frame, without delay, while the layer records what the first
/// attempt sends. The replay sends the recording, and then the rest of the body, which it takes
/// over from the first attempt. Most rejections come before much of the body was sent, so even an
/// upload of a thousand times `max_bytes` can be replayed. If more than `max_bytes` were sent, the
/// caller gets the rejection.
///
/// - The recording is freed as soon as the answer is known not to be a rejection, or the limit is
///   passed. Nothing is recorded for requests without the key.
/// - With [`max_sends(3)`](crate::outbound::InjectKeyLayer::max_sends), the replay is recorded in its
///   turn, up to the same limit, and the body may be handed over once more.
/// - After a rejection, the attempt pauses until it is known whether there is another key. If
///   there is, its body fails with [`SupersededError`](crate::outbound::replay::SupersededError),
///   which closes its connection or resets its stream. If not, it goes on.
/// - All attempts report the same length, so they are framed alike. Trailers are kept. The
///   boundaries between frames may differ.
/// - A body that fails is not replayed.
/// - The inner service gets a [`ReplayBody`]. If it takes only one type, such as
///   `axum::body::Body`, use [`map`](Self::map).
///
/// # Memory
///
/// Each request in flight records up to `max_bytes` of data. A piece of 8 KiB or more keeps alive
/// the whole buffer that it is a slice of, so memory can exceed this.
///
/// It is enough to record what an upstream reads before it rejects, which is often no more than the
/// buffers of a connection: about 64 KiB.
///
/// # Bodies
///
/// A body needs to be neither `Clone` nor `Sync`. Box one that is not `Unpin`, with
/// `request.map(Box::pin)`. Data that is not `Bytes` is copied, and trailers do not count as bytes.
/// For bodies that are in memory as a whole, [`CloneBody`](crate::outbound::replay::CloneBody)
/// costs less.
///
/// # Examples
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
    /// Creates a `BufferBody` that records at most `max_bytes` bytes of each body.
    #[must_use]
    pub const fn new(max_bytes: usize) -> Self {
        Self { max_bytes }
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
        let (first, claim) = record(Spliced::unsent(body), self.max_bytes);
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

    fn restore_again(&self, saved: SavedBody<B>) -> Option<(ReplayBody<B>, Option<SavedBody<B>>)> {
        let (body, saved) = saved.restore_again(self.max_bytes)?;
        Some((body, Some(saved)))
    }
}
