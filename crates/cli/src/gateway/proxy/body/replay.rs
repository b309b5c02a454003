//! One memory budget for the replays of all requests.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use tower_rotating_auth::outbound::replay::{BufferBody, Replay, ReplayBody, SavedBody};

use crate::gateway::proxy::shares::Shares;
use crate::output;

/// The memory for the replays of all upstreams. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReplayMemory(Arc<Budget>);

/// A [`BufferBody`] for as long as there is memory. Beyond it, requests are served without a
/// replay.
#[derive(Clone, Debug)]
pub(crate) struct BudgetedReplay {
    /// Bytes for one body.
    each: usize,
    /// The upstream that the memory is counted for.
    upstream: Arc<str>,
    budget: Arc<Budget>,
}

#[derive(Debug, Default)]
struct Budget {
    bytes: Mutex<Shares>,
    /// Whether the shortage of memory was logged, which happens once.
    was_exhausted: AtomicBool,
}

/// The part of the budget that a saved body may use.
#[derive(Debug)]
pub(crate) struct Share {
    bytes: usize,
    upstream: Arc<str>,
    budget: Arc<Budget>,
}

impl ReplayMemory {
    /// Sets how many bytes there are, and the upstreams that share them.
    pub(crate) fn apply(&self, all: usize, upstreams: &[Arc<str>]) {
        self.0.lock().set(all, upstreams);
    }

    /// Returns the replay of an upstream, with `each` bytes for a body.
    pub(crate) fn replay(&self, each: usize, upstream: Arc<str>) -> BudgetedReplay {
        BudgetedReplay {
            each,
            upstream,
            budget: Arc::clone(&self.0),
        }
    }
}

impl Budget {
    fn lock(&self) -> MutexGuard<'_, Shares> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BudgetedReplay {
    const fn buffer(&self) -> BufferBody {
        BufferBody::new(self.each)
    }

    /// Takes what a body may need: its length, if it says one.
    fn share(&self, body: &impl Body) -> Option<Share> {
        let length = body.size_hint().upper().unwrap_or(u64::MAX);
        let bytes = usize::try_from(length).unwrap_or(usize::MAX).min(self.each);
        if !self.budget.lock().take(&self.upstream, bytes) {
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
            upstream: Arc::clone(&self.upstream),
            budget: Arc::clone(&self.budget),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.lock().give_back(&self.upstream, self.bytes);
    }
}

/// A body with its part of the budget, which all who keep it for another attempt share.
#[derive(Debug)]
pub(crate) struct Budgeted<B> {
    body: ReplayBody<B>,
    share: Option<Arc<Share>>,
}

impl<B> Body for Budgeted<B>
where
    ReplayBody<B>: Body + Unpin,
{
    type Data = <ReplayBody<B> as Body>::Data;
    type Error = <ReplayBody<B> as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Replay<B> for BudgetedReplay
where
    B: Body,
    BufferBody: Replay<B, Body = ReplayBody<B>, Saved = SavedBody<B>>,
{
    type Body = Budgeted<B>;
    type Saved = (SavedBody<B>, Arc<Share>);

    fn pass(&self, body: B) -> Budgeted<B> {
        let body = self.buffer().pass(body);
        Budgeted { body, share: None }
    }

    fn save(&self, body: B) -> (Budgeted<B>, Option<Self::Saved>) {
        let Some(share) = self.share(&body).map(Arc::new) else {
            return (self.pass(body), None);
        };
        let (body, saved) = self.buffer().save(body);
        let saved = saved.map(|saved| (saved, Arc::clone(&share)));
        let share = Some(share);
        (Budgeted { body, share }, saved)
    }

    fn pause(&self, (saved, share): Self::Saved) -> Option<Self::Saved> {
        Some((self.buffer().pause(saved)?, share))
    }

    fn restore(&self, (saved, share): Self::Saved) -> Option<Budgeted<B>> {
        let (body, share) = (self.buffer().restore(saved)?, Some(share));
        Some(Budgeted { body, share })
    }

    fn restore_again(
        &self,
        (saved, share): Self::Saved,
    ) -> Option<(Budgeted<B>, Option<Self::Saved>)> {
        let (body, saved) = self.buffer().restore_again(saved)?;
        let saved = saved.map(|saved| (saved, Arc::clone(&share)));
        let share = Some(share);
        Some((Budgeted { body, share }, saved))
    }
}

/// A replay of bodies that a [`BudgetedReplay`] further out has counted, of the same bytes. What
/// that has no memory for is not kept here either.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CountedReplay(BufferBody);

impl BudgetedReplay {
    /// Returns what keeps the same bodies for a layer further in.
    pub(crate) const fn counted(&self) -> CountedReplay {
        CountedReplay(self.buffer())
    }
}

impl<B> Replay<Budgeted<B>> for CountedReplay
where
    Budgeted<B>: Body,
    BufferBody: Replay<Budgeted<B>, Body = ReplayBody<Budgeted<B>>, Saved = SavedBody<Budgeted<B>>>,
{
    type Body = ReplayBody<Budgeted<B>>;
    type Saved = (SavedBody<Budgeted<B>>, Arc<Share>);

    fn pass(&self, body: Budgeted<B>) -> Self::Body {
        self.0.pass(body)
    }

    fn save(&self, body: Budgeted<B>) -> (Self::Body, Option<Self::Saved>) {
        let Some(share) = body.share.clone() else {
            return (self.0.pass(body), None);
        };
        let (body, saved) = self.0.save(body);
        (body, saved.map(|saved| (saved, share)))
    }

    fn restore(&self, (saved, _share): Self::Saved) -> Option<Self::Body> {
        self.0.restore(saved)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn budget(each: usize, all: usize) -> BudgetedReplay {
        let memory = ReplayMemory::default();
        memory.apply(all, &["only".into()]);
        memory.replay(each, "only".into())
    }

    #[test]
    fn one_upstream_cannot_take_all_memory() {
        let memory = ReplayMemory::default();
        let names = ["silent", "other"].map(Arc::from);
        memory.apply(400, &names);
        let [silent, other] = names.map(|name| memory.replay(100, name));
        let save = |replay: &BudgetedReplay| replay.save(Body::from(vec![b'a'; 100])).1;
        let held: Vec<_> = (0..3).map(|_| save(&silent)).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(save(&silent).is_none());
        assert!(save(&other).is_some());
    }

    #[test]
    fn bodies_beyond_the_budget_are_served_without_replay() {
        let replay = budget(100, 250);
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

    #[test]
    fn body_that_two_layers_keep_is_counted_once() {
        let replay = budget(100, 250);
        let free = || {
            let mut shares = replay.budget.lock();
            let is_free = |bytes: &usize| {
                let taken = shares.take(&replay.upstream, *bytes);
                shares.give_back(&replay.upstream, if taken { *bytes } else { 0 });
                taken
            };
            (0..=250).rev().find(is_free)
        };
        let save = || {
            let (body, outer) = replay.save(Body::from(vec![b'a'; 100]));
            let (body, inner) = replay.counted().save(body);
            (body, outer, inner)
        };
        let [first, second] = std::array::from_fn(|_| save());
        assert_eq!(free(), Some(50));
        assert!(first.1.is_some() && first.2.is_some());
        let (_, outer, inner) = save();
        assert!(outer.is_none() && inner.is_none(), "50 are not enough");
        drop(second);
        assert_eq!(free(), Some(150));

        // The bytes stay taken while anybody has them.
        let (body, outer, inner) = first;
        drop(outer);
        let restored = inner.and_then(|inner| replay.counted().restore(inner));
        drop(body);
        assert_eq!(free(), Some(150));
        drop(restored);
        assert_eq!(free(), Some(250));
    }
}
