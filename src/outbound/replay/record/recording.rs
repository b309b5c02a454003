//! The recording of what was sent of a body, up to a limit.
//!
//! Short pieces are copied together. A connection is read into buffers of 8 KiB and more, and each
//! piece of such a buffer keeps all of it alive. `benches/hot_path` ("short pieces") measures the
//! memory that 64 KiB need in pieces of 512 bytes: 1039 KiB if each piece is kept as it is, 81
//! KiB as recorded here.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Frame;

/// The length in bytes below which pieces are copied together. Longer ones are kept as they are.
const SHORT: usize = 8 * 1024;
/// The most bytes that are copied into one buffer, so that a growing buffer never moves many.
const TOGETHER: usize = 16 * 1024;

/// What was sent of a body, first in, first out.
pub(crate) struct Recording {
    room: usize,
    pieces: VecDeque<Bytes>,
    /// The short pieces since the last long one.
    short: BytesMut,
    trailers: Option<HeaderMap>,
}

/// An error for a frame with more bytes than there is room for, or of an unknown kind.
pub(crate) struct DoesNotFit;

impl Recording {
    pub(crate) fn with_room(room: usize) -> Self {
        Self {
            room,
            pieces: VecDeque::new(),
            short: BytesMut::new(),
            trailers: None,
        }
    }

    pub(crate) fn record(&mut self, frame: &Frame<Bytes>) -> Result<(), DoesNotFit> {
        if self.trailers.is_some() {
            return Err(DoesNotFit); // trailers end a body
        }
        if let Some(data) = frame.data_ref() {
            return self.record_data(data);
        }
        self.trailers = Some(frame.trailers_ref().ok_or(DoesNotFit)?.clone());
        Ok(())
    }

    fn record_data(&mut self, data: &Bytes) -> Result<(), DoesNotFit> {
        self.room = self.room.checked_sub(data.len()).ok_or(DoesNotFit)?;
        if data.len() >= SHORT {
            self.close_short();
            self.pieces.push_back(data.clone());
            return Ok(());
        }
        if self.short.len() + data.len() > TOGETHER {
            self.close_short();
        }
        self.short.extend_from_slice(data);
        Ok(())
    }

    fn close_short(&mut self) {
        if !self.short.is_empty() {
            self.pieces.push_back(self.short.split().freeze());
        }
    }

    /// Takes the next frame. Frames may be split in other places than they were recorded.
    pub(crate) fn take(&mut self) -> Option<Frame<Bytes>> {
        if self.pieces.is_empty() {
            self.close_short();
        }
        match self.pieces.pop_front() {
            Some(piece) => Some(Frame::data(piece)),
            None => self.trailers.take().map(Frame::trailers),
        }
    }

    /// Returns this recording with `rest` after it.
    pub(crate) fn followed_by(mut self, mut rest: Self) -> Self {
        self.close_short();
        rest.close_short();
        self.pieces.append(&mut rest.pieces);
        self.trailers = self.trailers.or(rest.trailers);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.short.is_empty() && self.trailers.is_none()
    }

    /// Returns the number of bytes of data.
    pub(crate) fn length(&self) -> u64 {
        let pieces = self.pieces.iter().map(Bytes::len);
        pieces
            .chain([self.short.len()])
            .map(|length| length as u64)
            .sum()
    }
}
