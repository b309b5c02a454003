//! What the upstream's answers have shown about one generation of a credential.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::trial::Trial;
use crate::clock::Now;
use crate::generation::Generation;
use crate::outbound::credential::Credential;
use crate::rotating::{Content, Health};

/// A credential with its evidence, as the engine keeps them.
pub(crate) type TrackedCredential = Content<Credential, Evidence>;

/// How often an acceptance is noted while nothing changes. Well below the minute for which a
/// previous credential counts as working.
const TICK: Duration = Duration::from_secs(15);

/// How often an acceptance is noted while nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptanceSampling {
    /// Once for each time that the refresh task ticks, so that hardly any request reads a clock or
    /// writes.
    OncePerTick,
    /// Each one, since there is no refresh task that ticks.
    Each,
}

/// What the upstream's answers have shown about one generation of a credential.
///
/// It lies beside the credential in the engine's cell, so a request loads both at once. A request
/// writes to it only if its answer shows something new.
///
/// A rejection alone shows nothing about the credential: the upstream may reject that request with
/// any. Conclusions come from acceptances, and from requests that were rejected with one credential
/// and accepted with another.
pub struct Evidence {
    made: Instant,
    sampling: AcceptanceSampling,
    /// When it was first accepted: 0 for never, else the milliseconds since `made`, plus 1.
    proven: AtomicU64,
    /// When it was last accepted, like `proven`. It may be half a minute old while all is well.
    last_accepted: AtomicU64,
    /// Whether `last_accepted` is young enough that the next acceptance need not be noted.
    is_noted: AtomicBool,
    /// When `is_noted` was last reset, like `proven`.
    ticked: AtomicU64,
    /// Whether it is the previous one by now, so that every acceptance counts.
    stands_by: AtomicBool,
    /// The rejections so far …
    rejections: AtomicU64,
    /// … and how many of them had come when the request was sent that was accepted last.
    refuted: AtomicU64,
    /// When the first of those came that are not refuted, like `proven`.
    rejected_since: AtomicU64,
    /// Whether requests have to ask `trial` which credential to carry.
    on_trial: AtomicBool,
    trial: Mutex<Option<Trial<Arc<TrackedCredential>>>>,
}

/// What a request remembers of the evidence at the time when it was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EvidenceAtSend {
    rejections: u64,
    pub(crate) acceptance: Acceptance,
}

/// Whether an acceptance shows something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acceptance {
    IsNews,
    IsKnown,
}

impl Evidence {
    pub(crate) fn new(
        sampling: AcceptanceSampling,
        trial: Option<Trial<Arc<TrackedCredential>>>,
        now: Instant,
    ) -> Self {
        Self {
            made: now,
            sampling,
            proven: AtomicU64::new(0),
            last_accepted: AtomicU64::new(0),
            is_noted: AtomicBool::new(false),
            ticked: AtomicU64::new(0),
            stands_by: AtomicBool::new(false),
            rejections: AtomicU64::new(0),
            rejected_since: AtomicU64::new(0),
            refuted: AtomicU64::new(0),
            on_trial: AtomicBool::new(trial.is_some()),
            trial: Mutex::new(trial),
        }
    }

    /// Returns whether the upstream has accepted this generation.
    ///
    /// It turns `false` again if the upstream rejects the generation and still accepts the previous
    /// one for the same request: then some of its nodes do not know the new key yet.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        // Acquire: who sees the proof also sees the end of the trial.
        self.proven.load(Ordering::Acquire) != 0
    }

    fn time(&self, stamp: &AtomicU64) -> Option<Instant> {
        // Relaxed: a time by itself, which orders nothing.
        let millis = stamp.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.made + Duration::from_millis(millis))
    }

    fn stamp(&self, now: Instant) -> u64 {
        let millis = now.saturating_duration_since(self.made).as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX - 1) + 1
    }

    pub(crate) fn last_accepted(&self) -> Option<Instant> {
        self.time(&self.last_accepted)
    }

    pub(crate) fn health(&self) -> Health {
        match self.time(&self.proven) {
            None => Health::Unconfirmed,
            Some(since) => Health::Confirmed {
                since,
                failing_since: self
                    .time(&self.rejected_since)
                    .filter(|_| self.is_doubted()),
            },
        }
    }

    /// Returns whether the last thing that is known is a rejection.
    pub(crate) fn is_doubted(&self) -> bool {
        self.rejections_in_a_row() > 0
    }

    /// Returns how many rejections came since the last request was sent that was accepted.
    pub(crate) fn rejections_in_a_row(&self) -> u64 {
        let refuted = self.refuted.load(Ordering::Acquire);
        // Acquire: pairs with `reject`.
        let rejections = self.rejections.load(Ordering::Acquire);
        rejections.saturating_sub(refuted)
    }

    /// Returns what a request that is sent now has to remember.
    pub(crate) fn at_send(&self) -> EvidenceAtSend {
        let rejections = self.rejections.load(Ordering::Acquire);
        // Relaxed: a store that comes late costs one more note. The first two are looked at as well
        // since a note can come just after they have changed.
        let known = self.proven.load(Ordering::Relaxed) != 0
            && !self.stands_by.load(Ordering::Relaxed)
            && self.is_noted.load(Ordering::Relaxed)
            && self.refuted.load(Ordering::Relaxed) >= rejections;
        EvidenceAtSend {
            rejections,
            acceptance: if known {
                Acceptance::IsKnown
            } else {
                Acceptance::IsNews
            },
        }
    }

    /// Returns the same for a request of which nothing is known but that it was accepted.
    pub(crate) fn at_unknown_send(&self) -> EvidenceAtSend {
        EvidenceAtSend {
            acceptance: Acceptance::IsNews,
            ..self.at_send()
        }
    }

    /// Records a rejection.
    pub(crate) fn reject(&self, now: Instant) {
        if !self.is_doubted() {
            // Relaxed: a time by itself. Of two rejections at once, either may be the first.
            self.rejected_since
                .store(self.stamp(now), Ordering::Relaxed);
        }
        // Release: who sees the count also sees the command that was queued before it.
        self.rejections.fetch_add(1, Ordering::Release);
    }

    /// Records that a request was accepted. `at_send` is the evidence at the time when it was sent.
    /// Returns whether that is the first acceptance.
    pub(crate) fn accept(&self, at_send: EvidenceAtSend, now: Instant) -> bool {
        let stamp = self.stamp(now);
        self.last_accepted.fetch_max(stamp, Ordering::Relaxed);
        let refuted = self
            .refuted
            .fetch_max(at_send.rejections, Ordering::Release);
        if refuted < at_send.rejections {
            // Rejections that came after the request was sent count from now on, at the earliest.
            self.rejected_since.store(stamp, Ordering::Relaxed);
        }
        let is_first = self.proven.load(Ordering::Relaxed) == 0 && {
            let mut trial = self.trial();
            if let Some(trial) = &mut *trial {
                trial.accepted(now);
            }
            self.on_trial.store(false, Ordering::Release);
            // The lock is held: a request that asks the trial finds both or neither.
            self.proven.swap(stamp, Ordering::Release) == 0
        };
        // Last, so that who sees the note also finds the proof. Without somebody who ticks, every
        // acceptance is noted.
        if self.sampling == AcceptanceSampling::OncePerTick
            && !self.stands_by.load(Ordering::Relaxed)
        {
            self.is_noted.store(true, Ordering::Relaxed);
        }
        is_first
    }

    /// Records that one request was rejected with this generation and accepted with the previous
    /// one.
    pub(crate) fn too_early(&self, now: Instant) {
        let mut trial = self.trial();
        if let Some(trial) = &mut *trial {
            trial.too_early(now);
            self.proven.store(0, Ordering::Release);
            self.is_noted.store(false, Ordering::Relaxed);
            self.on_trial.store(true, Ordering::Release);
        }
    }

    /// Records that one request was rejected with this generation and with those that `has_tried`
    /// names. If the previous one is among them again and again, it is given up.
    pub(crate) fn all_rejected(&self, has_tried: impl Fn(Generation) -> bool, now: Instant) {
        let mut trial = self.trial();
        let given_up = trial.take_if(|trial| {
            let previous = trial.previous();
            let (generation, accepted) = (previous.generation, previous.state.last_accepted());
            has_tried(generation) && trial.rejected_with_both(accepted, now)
        });
        if given_up.is_some() {
            self.on_trial.store(false, Ordering::Release);
        }
    }

    /// Returns whether this generation was not accepted for the whole overlap. It is `true` once.
    pub(crate) fn take_overdue(&self, now: Instant) -> bool {
        let mut trial = self.trial();
        trial.as_mut().is_some_and(|trial| trial.take_overdue(now))
    }

    /// Has the next acceptance noted again, if the last tick was a while ago.
    pub(crate) fn tick(&self, now: Instant) {
        let is_due = self
            .time(&self.ticked)
            .is_none_or(|ticked| now >= ticked + TICK);
        if is_due {
            // Relaxed: see `at_send`.
            self.ticked.store(self.stamp(now), Ordering::Relaxed);
            self.is_noted.store(false, Ordering::Relaxed);
        }
    }

    /// Has every acceptance noted from now on, since this is the previous credential.
    pub(crate) fn stand_by(&self) {
        // Relaxed: see `at_send`.
        self.stands_by.store(true, Ordering::Relaxed);
        self.is_noted.store(false, Ordering::Relaxed);
    }

    /// Takes the previous credential away, so that nothing falls back to it.
    pub(crate) fn end_trial(&self) -> Option<Trial<Arc<TrackedCredential>>> {
        let mut trial = self.trial();
        self.on_trial.store(false, Ordering::Release);
        trial.take()
    }

    /// Frees the previous credential if it can no longer be used. Otherwise returns when that will
    /// be, as far as it is known.
    pub(crate) fn tidy(&self, now: Now) -> Option<Instant> {
        let mut trial = self.trial();
        let ended = trial.take_if(|trial| !trial.is_usable(now));
        if ended.is_some() {
            self.on_trial.store(false, Ordering::Release);
        }
        trial.as_ref().and_then(Trial::ends)
    }

    pub(crate) fn trial(&self) -> MutexGuard<'_, Option<Trial<Arc<TrackedCredential>>>> {
        // No code panics while it holds the lock, and no half of a change would do harm.
        self.trial.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the previous credential, usable or not.
    pub(crate) fn previous(&self) -> Option<Arc<TrackedCredential>> {
        self.trial().as_ref().map(Trial::previous).map(Arc::clone)
    }

    /// Returns whether a request has to ask which credential to carry.
    pub(crate) fn is_on_trial(&self) -> bool {
        self.on_trial.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("is_proven", &self.is_proven())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proven(now: Instant) -> Evidence {
        let evidence = Evidence::new(AcceptanceSampling::OncePerTick, None, now);
        assert!(evidence.accept(evidence.at_send(), now));
        assert_eq!(evidence.at_send().acceptance, Acceptance::IsKnown);
        evidence
    }

    fn failing_since(evidence: &Evidence) -> Option<Instant> {
        match evidence.health() {
            Health::Confirmed { failing_since, .. } => failing_since,
            Health::Unconfirmed => None,
        }
    }

    #[test]
    fn late_note_does_not_silence_a_previous_credential() {
        let now = Instant::now();
        let evidence = proven(now);
        evidence.stand_by();
        evidence.is_noted.store(true, Ordering::Relaxed); // by a request that was a moment late
        assert_eq!(evidence.at_send().acceptance, Acceptance::IsNews);
    }

    #[test]
    fn acceptance_is_news_until_the_credential_is_proven() {
        let evidence = Evidence::new(AcceptanceSampling::OncePerTick, None, Instant::now());
        evidence.is_noted.store(true, Ordering::Relaxed);
        assert_eq!(evidence.at_send().acceptance, Acceptance::IsNews);
    }

    #[test]
    fn acceptance_refutes_what_came_before_it_was_sent() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let evidence = proven(now);
        evidence.reject(now);
        let at_send = evidence.at_send();
        assert_eq!(failing_since(&evidence), Some(now));
        evidence.reject(now); // while the request is under way
        evidence.accept(at_send, later);
        assert_eq!(evidence.rejections_in_a_row(), 1);
        assert_eq!(failing_since(&evidence), Some(later));
        evidence.accept(evidence.at_send(), later);
        assert_eq!(failing_since(&evidence), None);
    }
}
