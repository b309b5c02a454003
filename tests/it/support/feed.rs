//! A request body that a test feeds frame by frame. It is neither `Clone` nor `Sync`.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// The sender of the frames of a [`Fed`] body. Dropping it ends the body.
pub(crate) struct Feed(mpsc::UnboundedSender<Result<Frame<Bytes>, Broken>>);

/// The body that a [`Feed`] feeds.
pub(crate) struct Fed {
    frames: mpsc::UnboundedReceiver<Result<Frame<Bytes>, Broken>>,
    /// The bytes to come, if the length is known.
    left: Option<u64>,
    not_sync: PhantomData<Cell<()>>,
}

/// The error of a body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Broken;

/// Creates a body with this length, or with an unknown one.
pub(crate) fn feed(length: Option<u64>) -> (Feed, Fed) {
    let (sender, frames) = mpsc::unbounded_channel();
    let fed = Fed {
        frames,
        left: length,
        not_sync: PhantomData,
    };
    (Feed(sender), fed)
}

impl Feed {
    pub(crate) fn data(&self, data: impl Into<Bytes>) {
        self.frame(Ok(Frame::data(data.into())));
    }

    pub(crate) fn trailer(&self, name: &'static str, value: &'static str) {
        let mut trailers = HeaderMap::new();
        trailers.insert(name, value.parse().unwrap());
        self.frame(Ok(Frame::trailers(trailers)));
    }

    pub(crate) fn fail(&self) {
        self.frame(Err(Broken));
    }

    fn frame(&self, frame: Result<Frame<Bytes>, Broken>) {
        drop(self.0.send(frame)); // the body may be gone
    }
}

impl Body for Fed {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let frame = ready!(self.frames.poll_recv(cx));
        if let (Some(Ok(frame)), Some(left)) = (&frame, &mut self.left) {
            *left -= frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the caller's body is broken")
    }
}

impl Error for Broken {}

/// Returns data, and a count of two for as long as any of it is kept.
pub(crate) fn watched(data: Vec<u8>) -> (Bytes, Arc<()>) {
    struct Watched(
        Vec<u8>,
        #[expect(dead_code, reason = "it is counted")] Arc<()>,
    );
    impl AsRef<[u8]> for Watched {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let kept = Arc::new(());
    let data = Bytes::from_owner(Watched(data, Arc::clone(&kept)));
    (data, kept)
}
