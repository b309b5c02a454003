//! A body that begins with what was sent of it before.

use std::task::{Context, Poll};

use http_body::{Body, SizeHint};

use super::frame::{PolledFrame, poll_frame_of};
use super::recording::Recording;
use crate::box_error::BoxError;

/// What an earlier attempt has sent of a body, then the rest of it.
pub(crate) struct Spliced<B> {
    sent: Recording,
    /// `None` if the body has ended.
    rest: Option<B>,
    /// The size hint that the body had when it was new. `None` once this has been polled.
    new: Option<SizeHint>,
}

impl<B> Spliced<B> {
    /// Returns a body of which nothing was sent yet.
    pub(crate) fn unsent(body: B) -> Self {
        Self {
            sent: Recording::with_room(0),
            rest: Some(body),
            new: None,
        }
    }

    /// Returns this body as it was when it was new: `sent`, and then what is left.
    pub(crate) fn replay(self, sent: Recording, hint: SizeHint) -> Self {
        Self {
            sent: sent.followed_by(self.sent),
            rest: self.rest,
            new: Some(hint),
        }
    }

    /// Returns what is left of a body that has ended.
    pub(crate) fn ended() -> Self {
        Self {
            sent: Recording::with_room(0),
            rest: None,
            new: None,
        }
    }

    /// Returns whether all that was sent before has been sent again.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.sent.is_empty()
    }

    /// Returns the rest of the body, or `None` if it has ended.
    pub(crate) fn into_rest(self) -> Option<B> {
        self.rest
    }
}

impl<B> Spliced<B>
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> PolledFrame {
        self.new = None;
        if let Some(frame) = self.sent.take() {
            return Poll::Ready(Some(Ok(frame)));
        }
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let polled = poll_frame_of(rest, cx);
        if matches!(polled, Poll::Ready(None)) {
            self.rest = None;
        }
        polled
    }
}

impl<B: Body> Spliced<B> {
    /// A recorded body had frames when it was new, since empty ones are not recorded.
    pub(crate) fn is_end_stream(&self) -> bool {
        self.new.is_none()
            && self.sent.is_empty()
            && self.rest.as_ref().is_none_or(B::is_end_stream)
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        if let Some(hint) = &self.new {
            return SizeHint::clone(hint);
        }
        let ended = SizeHint::with_exact(0);
        let mut hint = self.rest.as_ref().map_or(ended, B::size_hint);
        let sent = self.sent.length();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(sent));
        }
        hint.set_lower(hint.lower().saturating_add(sent));
        hint
    }
}
