//! One memory budget for the replays of all requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http_body::Body;
use tower_rotating_auth::outbound::replay::{BufferBody, Replay, ReplayBody, SavedBody};

use crate::output;

/// A [`BufferBody`] for as long as there is memory. Beyond it, requests are served without a
/// replay.
#[derive(Clone, Debug)]
pub(crate) struct BudgetedReplay {
    /// Bytes for one body.
    each: usize,
    budget: Arc<Budget>,
}

#[derive(Debug)]
struct Budget {
    free: AtomicUsize,
    /// Whether the shortage of memory was logged, which happens once.
    was_exhausted: AtomicBool,
}

/// The part of the budget that a saved body may use.
#[derive(Debug)]
pub(crate) struct Share {
    bytes: usize,
    budget: Arc<Budget>,
}

impl BudgetedReplay {
    /// Creates a budget of `each` bytes for a body, and of `all` bytes for all of them.
    pub(crate) fn new(each: usize, all: usize) -> Self {
        let budget = Budget {
            free: AtomicUsize::new(all),
            was_exhausted: AtomicBool::new(false),
        };
        Self {
            each,
            budget: Arc::new(budget),
        }
    }

    const fn buffer(&self) -> BufferBody {
        BufferBody::new(self.each)
    }

    /// Takes what a body may need: its length, if it says one.
    fn share(&self, body: &impl Body) -> Option<Share> {
        let length = body.size_hint().upper().unwrap_or(u64::MAX);
        let bytes = usize::try_from(length).unwrap_or(usize::MAX).min(self.each);
        let take = |free: usize| free.checked_sub(bytes);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        if self.budget.free.fetch_update(set, fetch, take).is_err() {
            if !self.budget.was_exhausted.swap(true, Ordering::Relaxed) {
                output::complain(format_args!(
                    "the memory for replays is used up, so some requests are served without; raise \
                     --replay-memory (GATEWAY_REPLAY_MEMORY)"
                ));
            }
            return None;
        }
        Some(Share {
            bytes,
            budget: Arc::clone(&self.budget),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.free.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

impl<B> Replay<B> for BudgetedReplay
where
    B: Body,
    BufferBody: Replay<B, Body = ReplayBody<B>, Saved = SavedBody<B>>,
{
    type Body = ReplayBody<B>;
    type Saved = (SavedBody<B>, Share);

    fn pass(&self, body: B) -> ReplayBody<B> {
        self.buffer().pass(body)
    }

    fn save(&self, body: B) -> (ReplayBody<B>, Option<Self::Saved>) {
        let Some(share) = self.share(&body) else {
            return (self.pass(body), None);
        };
        let (body, saved) = self.buffer().save(body);
        (body, saved.map(|saved| (saved, share)))
    }

    fn pause(&self, (saved, share): Self::Saved) -> Option<Self::Saved> {
        Some((self.buffer().pause(saved)?, share))
    }

    fn restore(&self, (saved, _share): Self::Saved) -> Option<ReplayBody<B>> {
        self.buffer().restore(saved)
    }

    fn restore_again(
        &self,
        (saved, share): Self::Saved,
    ) -> Option<(ReplayBody<B>, Option<Self::Saved>)> {
        let (body, saved) = self.buffer().restore_again(saved)?;
        Some((body, saved.map(|saved| (saved, share))))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn bodies_beyond_the_budget_are_served_without_replay() {
        let replay = BudgetedReplay::new(100, 250);
        let body = |length: usize| Body::from(vec![b'a'; length]);
        let saved: Vec<_> = [60, 1000, 100]
            .map(|length| replay.save(body(length)).1)
            .into_iter()
            .collect();
        let kept: Vec<_> = saved.iter().map(Option::is_some).collect();
        assert_eq!(kept, [true, true, false], "60 and 100 of 250 are taken");
        assert!(replay.save(Body::empty()).1.is_some(), "it needs no memory");
        drop(saved);
        assert!(replay.save(body(100)).1.is_some());
    }
}
