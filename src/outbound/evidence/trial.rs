//! The time in which a previous credential stands by.

use std::time::Duration;

use tokio::time::Instant;

use super::canary::{Canary, Resend};
use super::decide::{CanaryDue, LastAccepted, Previous};
use crate::clock::Now;
use crate::generation::Generation;
use crate::rotating::Deadline;

/// How long after its last acceptance a previous credential counts as working.
const RECENTLY: Duration = Duration::from_secs(60);

/// The previous credential, and how it and the current one take turns.
///
/// It begins when the current credential is published. While that one is unproven it has no end,
/// but for the expiry of the previous one: a typing error in a key file must not take a service
/// down. The overlap counts from the proof.
pub(crate) struct Trial<P> {
    previous: P,
    expires: Option<Deadline>,
    overlap: Duration,
    /// When the current credential was published.
    published: Instant,
    proven_at: Option<Instant>,
    canary: Canary,
    /// Whether it was reported that the current credential was never accepted.
    reported: bool,
    /// Since when requests were rejected with both credentials.
    rejected_since: Option<Instant>,
}

impl<P> Trial<P> {
    pub(crate) const fn new(
        previous: P,
        expires: Option<Deadline>,
        overlap: Duration,
        now: Instant,
    ) -> Self {
        Self {
            previous,
            expires,
            overlap,
            published: now,
            proven_at: None,
            canary: Canary::due_at(now),
            reported: false,
            rejected_since: None,
        }
    }

    /// Returns the trial of the credential that replaces the current one before it is proven.
    pub(crate) fn continued(self, now: Instant) -> Self {
        Self::new(self.previous, self.expires, self.overlap, now)
    }

    pub(crate) const fn previous(&self) -> &P {
        &self.previous
    }

    /// Returns what a decision has to know of the previous credential, if that may be used at `now`.
    pub(crate) fn previous_at(
        &self,
        generation: Generation,
        last_accepted: Option<Instant>,
        now: Now,
    ) -> Option<Previous> {
        self.is_usable(now).then_some(Previous {
            generation,
            accepted: match last_accepted {
                Some(at) if now.mono >= at + RECENTLY => LastAccepted::LongAgo,
                Some(at) if self.proven_at.is_some_and(|proven| at > proven) => {
                    LastAccepted::SinceProof
                }
                Some(_) => LastAccepted::Recently,
                None => LastAccepted::LongAgo,
            },
        })
    }

    /// Returns whether the previous credential may be used at `now`.
    pub(crate) fn is_usable(&self, now: Now) -> bool {
        let expired = self.expires.is_some_and(|expires| expires.passed(now));
        !expired && self.overlap_ends().is_none_or(|end| now.mono < end)
    }

    fn overlap_ends(&self) -> Option<Instant> {
        self.proven_at.map(|proven| proven + self.overlap)
    }

    /// Returns when the previous credential can no longer be used, as far as that is known.
    pub(crate) fn ends(&self) -> Option<Instant> {
        let expires = self.expires.map(|expires| expires.mono);
        [expires, self.overlap_ends()].into_iter().flatten().min()
    }

    /// Returns whether a request may be the canary. `rejections` is how often in a row the previous
    /// credential was rejected.
    pub(crate) fn canary_at(&self, now: Instant, resend: Resend, rejections: u64) -> CanaryDue {
        if self.canary.is_due(now, resend, rejections) {
            CanaryDue::Now
        } else {
            CanaryDue::NotNow
        }
    }

    pub(crate) const fn canary_sent(&mut self, now: Instant) {
        self.canary.sent(now);
    }

    pub(crate) fn canary_back(&mut self, now: Instant) {
        self.canary.back(now);
    }

    /// Records that the current credential was accepted.
    pub(crate) fn accepted(&mut self, now: Instant) {
        self.proven_at.get_or_insert(now);
    }

    /// Records that one request was rejected with the current credential and accepted with the
    /// previous one: the current one is not active, or not everywhere.
    pub(crate) fn too_early(&mut self, now: Instant) {
        self.proven_at = None;
        self.canary.too_early(now);
    }

    /// Records that one request was rejected with both credentials. Returns whether the previous one
    /// is dead: such a request shows nothing by itself, so that takes a minute of them in which
    /// nothing else was accepted with it.
    pub(crate) fn rejected_with_both(
        &mut self,
        last_accepted: Option<Instant>,
        now: Instant,
    ) -> bool {
        let since = self
            .rejected_since
            .filter(|since| last_accepted.is_none_or(|accepted| accepted < *since))
            .unwrap_or(now);
        self.rejected_since = Some(since);
        now >= since + RECENTLY
    }

    /// Returns whether the current credential was not accepted for the whole overlap. It is `true`
    /// once.
    pub(crate) fn take_overdue(&mut self, now: Instant) -> bool {
        let overdue =
            !self.reported && self.proven_at.is_none() && now >= self.published + self.overlap;
        self.reported |= overdue;
        overdue
    }
}
