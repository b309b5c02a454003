//! The hand-over of a body from one attempt to the next.
//!
//! The two sides share one slot under a lock. Who owns the body, and when:
//!
//! ```text
//!                    First                    slot                  Claim
//!                    (the first attempt)                            (the layer, for a replay)
//!
//! recorded           polls the body in the    body + recording
//!                    slot, records frames
//! rejected           waits                    body + recording,      pause()
//!   |                                         paused
//!   |- another key   SupersededError          empty                  take_over(): owns body
//!   |                                                                and recording
//!   `- no other key  woken, owns the body     body, then empty       dropped
//!
//! accepted           owns the body            body, then empty       dropped
//! over the limit,    owns the body            body, then empty       pause() and take_over()
//! or body failed                                                     return None
//! ```
//!
//! Whoever takes the body out owns it alone, and the other side finds the slot empty. There is no
//! state in which both could poll it, and none in which a body that lacks frames ends without an
//! error.
//!
//! If another replay may follow, the replay's body, which is recording and rest in one, is recorded
//! in a slot of its own. Then the replay is the first attempt of that hand-over:
//!
//! ```text
//! attempt 1 ── slot 1 ──► attempt 2 ── slot 2 ──► attempt 3
//! ```

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use http_body::{Body, SizeHint};

use super::frame::PolledFrame;
use super::recording::Recording;
use super::spliced::Spliced;
use crate::box_error::BoxError;
use crate::outbound::replay::error::SupersededError;

/// The slot between both sides. Whoever takes the body out owns it alone.
type Slot<B> = Mutex<Option<Recorded<B>>>;

/// A body that is recorded while it is sent.
struct Recorded<B> {
    source: Spliced<B>,
    /// `None` once there can be no replay.
    recording: Option<Recording>,
    sending: Sending,
    /// The first attempt, waiting for the next frame or for the end of a pause.
    waiting: Option<Waker>,
}

#[derive(PartialEq)]
enum Sending {
    Active,
    Paused,
}

/// The side of the first attempt.
pub(crate) struct First<B>(Arc<Slot<B>>);

/// The side of the layer, which may claim the body for a replay. Dropping it gives up the claim.
pub(crate) struct Claim<B>(Arc<Slot<B>>);

/// The result of the first attempt's poll.
pub(crate) enum Turn<B> {
    Polled(PolledFrame),
    /// There can be no replay: the first attempt owns the body.
    Alone(Spliced<B>),
}

/// Starts to record up to `max_bytes` bytes of a body while it is sent.
pub(crate) fn record<B>(source: Spliced<B>, max_bytes: usize) -> (First<B>, Claim<B>) {
    let recorded = Recorded {
        source,
        recording: Some(Recording::with_room(max_bytes)),
        sending: Sending::Active,
        waiting: None,
    };
    let slot = Arc::new(Mutex::new(Some(recorded)));
    (First(Arc::clone(&slot)), Claim(slot))
}

impl<B> First<B>
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    pub(crate) fn poll_frame(&self, cx: &mut Context<'_>) -> Turn<B> {
        let mut slot = lock(&self.0);
        let Some(recorded) = &mut *slot else {
            return Turn::Polled(Poll::Ready(Some(Err(SupersededError.into()))));
        };
        if recorded.recording.is_some() {
            return Turn::Polled(recorded.poll_frame(cx));
        }
        let recorded = slot.take();
        Turn::Alone(recorded.map_or_else(Spliced::ended, |recorded| recorded.source))
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        lock(&self.0)
            .as_ref()
            .is_some_and(|recorded| recorded.source.is_end_stream())
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        lock(&self.0)
            .as_ref()
            .map_or_else(SizeHint::default, |recorded| recorded.source.size_hint())
    }
}

impl<B> Recorded<B>
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> PolledFrame {
        if self.sending == Sending::Paused {
            self.wait(cx);
            return Poll::Pending;
        }
        let polled = self.source.poll_frame(cx);
        match &polled {
            Poll::Pending => self.wait(cx),
            Poll::Ready(None) => {}
            Poll::Ready(Some(Err(_))) => self.recording = None,
            Poll::Ready(Some(Ok(frame))) => {
                let recording = &mut self.recording;
                recording.take_if(|recording| recording.record(frame).is_err());
            }
        }
        polled
    }
}

impl<B> Recorded<B> {
    fn wait(&mut self, cx: &Context<'_>) {
        match &mut self.waiting {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waiting = Some(cx.waker().clone()),
        }
    }
}

impl<B> Claim<B> {
    /// Stops the first attempt from sending more. Returns `None` if too much was sent already.
    pub(crate) fn pause(self) -> Option<Self> {
        if let Some(Recorded {
            recording: Some(_),
            sending,
            ..
        }) = &mut *lock(&self.0)
        {
            *sending = Sending::Paused;
        } else {
            return None;
        }
        Some(self)
    }

    /// Takes the body from the first attempt: what was sent of it, and the rest.
    pub(crate) fn take_over(self) -> Option<(Recording, Spliced<B>)> {
        let mut slot = lock(&self.0);
        let recording = slot.as_mut()?.recording.take()?;
        let recorded = slot.take()?;
        drop(slot); // unlocked before the wake: the first attempt may poll at once
        if let Some(waker) = recorded.waiting {
            waker.wake();
        }
        Some((recording, recorded.source))
    }
}

impl<B> Drop for Claim<B> {
    fn drop(&mut self) {
        let mut slot = lock(&self.0);
        let Some(recorded) = &mut *slot else {
            return;
        };
        let (recording, waiting) = (recorded.recording.take(), recorded.waiting.take());
        let paused = recorded.sending == Sending::Paused;
        drop(slot); // unlocked before the wake, and before the recording is freed
        drop(recording);
        if let Some(waker) = waiting.filter(|_| paused) {
            waker.wake();
        }
    }
}

fn lock<B>(slot: &Slot<B>) -> MutexGuard<'_, Option<Recorded<B>>> {
    slot.lock().unwrap_or_else(|poisoned| {
        let mut slot = poisoned.into_inner();
        if let Some(recorded) = &mut *slot {
            recorded.recording = None; // the body panicked in a poll, so a frame may be lost
        }
        slot
    })
}
