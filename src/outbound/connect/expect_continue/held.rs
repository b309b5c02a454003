//! A body that waits, shared between the request in hyper and the response future.

use std::mem::replace;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http_body::{Body, SizeHint};

/// A body that waits for the upstream. Whoever takes it out owns it alone.
pub(crate) struct Held<B>(Mutex<Slot<B>>);

struct Slot<B> {
    state: State<B>,
    /// The request that waits for the body.
    waiting: Option<Waker>,
}

enum State<B> {
    /// The upstream has said nothing yet.
    Asked(B),
    /// The upstream wants the body.
    Wanted(B),
    /// The upstream has responded without the body. Its response is being read.
    Refused(B),
    /// The body was taken out, or nobody needs it any more.
    Gone,
}

/// What the request may do with the body.
pub(crate) enum Permission<B> {
    Send(B),
    /// Another attempt has the body, or the response was read.
    Stop,
}

impl<B> Held<B> {
    pub(crate) fn new(body: B) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Slot {
            state: State::Asked(body),
            waiting: None,
        })))
    }

    /// Lets the request send the body: on `100 Continue`.
    pub(crate) fn want(&self) {
        self.change(|state| match state {
            State::Asked(body) => State::Wanted(body),
            other => other,
        });
    }

    /// Keeps the request from sending the body after a final response. Returns whether it had
    /// not started.
    pub(crate) fn refuse(&self) -> bool {
        self.change(|state| match state {
            State::Asked(body) => State::Refused(body),
            other => other,
        });
        matches!(self.slot().state, State::Refused(_))
    }

    /// Ends the request whose body was refused.
    pub(crate) fn release(&self) {
        self.change(|state| match state {
            State::Refused(_) => State::Gone,
            other => other,
        });
    }

    /// Takes the body out for another request, unless its sending has started.
    pub(crate) fn take(&self) -> Option<B> {
        let mut taken = None;
        self.change(|state| match state {
            State::Asked(body) => {
                taken = Some(body);
                State::Gone
            }
            other => other,
        });
        taken
    }

    /// Returns the body once it may be sent. `timed_out` says that the wait for `100 Continue` is
    /// over.
    pub(crate) fn poll_permission(
        &self,
        timed_out: impl FnOnce(&mut Context<'_>) -> Poll<()>,
        cx: &mut Context<'_>,
    ) -> Poll<Permission<B>> {
        let mut slot = self.slot();
        match replace(&mut slot.state, State::Gone) {
            State::Wanted(body) => return Poll::Ready(Permission::Send(body)),
            State::Asked(body) => {
                if timed_out(cx).is_ready() {
                    return Poll::Ready(Permission::Send(body));
                }
                slot.state = State::Asked(body);
            }
            State::Refused(body) => slot.state = State::Refused(body),
            State::Gone => return Poll::Ready(Permission::Stop),
        }
        slot.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    fn change(&self, next: impl FnOnce(State<B>) -> State<B>) {
        let mut slot = self.slot();
        let before = replace(&mut slot.state, State::Gone);
        slot.state = next(before);
        let waiting = slot.waiting.take();
        drop(slot); // unlocked before the wake: the request may poll at once
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Body> Held<B> {
    pub(crate) fn is_end_stream(&self) -> bool {
        self.slot().state.body().is_some_and(B::is_end_stream)
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        let slot = self.slot();
        slot.state
            .body()
            .map_or_else(SizeHint::default, B::size_hint)
    }
}

impl<B> State<B> {
    const fn body(&self) -> Option<&B> {
        match self {
            Self::Asked(body) | Self::Wanted(body) | Self::Refused(body) => Some(body),
            Self::Gone => None,
        }
    }
}
