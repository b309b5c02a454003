//! How a body goes over from the first attempt to the second, or stays with the first for good.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use http_body::{Body, SizeHint};

use super::frame::{BoxError, PolledFrame, poll_frame_of};
use super::recording::Recording;
use super::superseded::Superseded;

/// What lies between the first attempt and the claim to a second. Whoever takes the body out has it alone; the
/// other one finds nothing.
type Between<B> = Mutex<Option<Recorded<B>>>;

/// A body that is recorded while it is sent.
struct Recorded<B> {
    /// `None` once it has ended.
    source: Option<B>,
    /// `None` once there can be no second attempt.
    recording: Option<Recording>,
    sending: Sending,
    /// Who waits for the next frame, or for the end of a pause.
    waiting: Option<Waker>,
}

#[derive(PartialEq)]
enum Sending {
    GoesOn,
    Pauses,
}

/// The first attempt's side.
pub(crate) struct First<B>(Arc<Between<B>>);

/// The side of whoever may call for a second attempt. Dropping it says that there will be none.
pub(crate) struct Claim<B>(Arc<Between<B>>);

/// What the first attempt finds when it asks for a frame.
pub(crate) enum Turn<B> {
    Polled(PolledFrame),
    /// There can be no second attempt: the body, or `None` if it has ended, is the first one's alone.
    Alone(Option<B>),
}

/// Records up to `max_bytes` of a body while it is sent.
pub(crate) fn record<B>(source: B, max_bytes: usize) -> (First<B>, Claim<B>) {
    let recorded = Recorded {
        source: Some(source),
        recording: Some(Recording::with_room(max_bytes)),
        sending: Sending::GoesOn,
        waiting: None,
    };
    let between = Arc::new(Mutex::new(Some(recorded)));
    (First(Arc::clone(&between)), Claim(between))
}

impl<B> First<B>
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    pub(crate) fn poll_frame(&self, cx: &mut Context<'_>) -> Turn<B> {
        let mut between = lock(&self.0);
        let Some(recorded) = &mut *between else {
            return Turn::Polled(Poll::Ready(Some(Err(Superseded.into()))));
        };
        if recorded.recording.is_some() {
            return Turn::Polled(recorded.poll_frame(cx));
        }
        let recorded = between.take();
        Turn::Alone(recorded.and_then(|recorded| recorded.source))
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        lock(&self.0)
            .as_ref()
            .is_some_and(|recorded| recorded.source.as_ref().is_none_or(B::is_end_stream))
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        lock(&self.0)
            .as_ref()
            .map_or_else(SizeHint::default, |recorded| {
                let ended = SizeHint::with_exact(0);
                recorded.source.as_ref().map_or(ended, B::size_hint)
            })
    }
}

impl<B> Recorded<B>
where
    B: Body<Error: Into<BoxError>> + Unpin,
{
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> PolledFrame {
        if self.sending == Sending::Pauses {
            self.wait(cx);
            return Poll::Pending;
        }
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        let polled = poll_frame_of(source, cx);
        match &polled {
            Poll::Pending => self.wait(cx),
            Poll::Ready(None) => self.source = None,
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
    /// Lets the first attempt send no more of the body; `None` if too much of it was sent already.
    pub(crate) fn pause(self) -> Option<Self> {
        if let Some(Recorded {
            recording: Some(_),
            sending,
            ..
        }) = &mut *lock(&self.0)
        {
            *sending = Sending::Pauses;
        } else {
            return None;
        }
        Some(self)
    }

    /// Takes the body away from the first attempt: what was sent of it, and the rest.
    pub(crate) fn take_over(self) -> Option<(Recording, Option<B>)> {
        let mut between = lock(&self.0);
        let recording = between.as_mut()?.recording.take()?;
        let recorded = between.take()?;
        drop(between); // whoever is woken may look at once
        if let Some(waker) = recorded.waiting {
            waker.wake();
        }
        Some((recording, recorded.source))
    }
}

impl<B> Drop for Claim<B> {
    fn drop(&mut self) {
        let mut between = lock(&self.0);
        let Some(recorded) = &mut *between else {
            return;
        };
        let (recording, waiting) = (recorded.recording.take(), recorded.waiting.take());
        let paused = recorded.sending == Sending::Pauses;
        drop(between);
        drop(recording);
        if let Some(waker) = waiting.filter(|_| paused) {
            waker.wake();
        }
    }
}

fn lock<B>(between: &Between<B>) -> MutexGuard<'_, Option<Recorded<B>>> {
    between.lock().unwrap_or_else(|poisoned| {
        let mut between = poisoned.into_inner();
        if let Some(recorded) = &mut *between {
            recorded.recording = None; // the body panicked, and who knows what of it is lost
        }
        between
    })
}
