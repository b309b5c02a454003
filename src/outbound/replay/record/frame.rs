//! Frames of `Bytes` from any body.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame};

use crate::box_error::BoxError;

pub(crate) type PolledFrame = Poll<Option<Result<Frame<Bytes>, BoxError>>>;

/// Polls the next frame of a body. Data that is `Bytes` already is not copied.
pub(crate) fn poll_frame_of<B>(body: &mut B, cx: &mut Context<'_>) -> PolledFrame
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    Pin::new(body).poll_frame(cx).map(|polled| {
        let frame = polled?.map_err(Into::into);
        Some(frame.map(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))))
    })
}
