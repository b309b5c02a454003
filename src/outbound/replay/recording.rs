//! What was consumed of a body, in order, up to so many bytes.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Frame;

/// Shorter pieces are copied together, since each may keep a buffer alive that is many times as long: one that a
/// connection was read into, of 8 KiB and more. A longer one is kept as it is.
const SHORT: usize = 8 * 1024;
/// Up to so much is copied into one buffer, so that it is never moved far to make room.
const TOGETHER: usize = 16 * 1024;

/// What was consumed of a body. It is taken out again in the order in which it was put in.
pub(crate) struct Recording {
    room: usize,
    pieces: VecDeque<Bytes>,
    /// The short pieces since the last long one.
    short: BytesMut,
    trailers: Option<HeaderMap>,
}

/// The frame does not fit: more bytes than there is room for, or nothing that a body is made of.
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

    /// Takes out the next frame. Where one piece ends and the next begins need not be where it was.
    pub(crate) fn take(&mut self) -> Option<Frame<Bytes>> {
        if self.pieces.is_empty() {
            self.close_short();
        }
        match self.pieces.pop_front() {
            Some(piece) => Some(Frame::data(piece)),
            None => self.trailers.take().map(Frame::trailers),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.short.is_empty() && self.trailers.is_none()
    }

    /// How many bytes of data there are.
    pub(crate) fn length(&self) -> u64 {
        let pieces = self.pieces.iter().map(Bytes::len);
        pieces
            .chain([self.short.len()])
            .map(|length| length as u64)
            .sum()
    }
}
