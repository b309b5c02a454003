//! The storm guard: how often rejected generations may force the source to be asked.

use crate::rotating::value::Proven;
use std::time::Duration;

use tokio::time::Instant;

use crate::generation::Generation;

/// What the guard allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long a generation that was refreshed in vain holds the next refresh back, at first; doubles …
    pub(crate) cooldown: Duration,
    /// … up to this.
    pub(crate) cooldown_cap: Duration,
    /// Forced attempts in a row that the bucket allows.
    pub(crate) burst: u32,
    /// The bucket gains one attempt in this time.
    pub(crate) refill: Duration,
}

/// Three parts, each for a storm that the others let through: a cooldown for a generation that stays
/// rejected, a doubling cooldown for a source whose every new value is rejected, a bucket for the rest.
///
/// Each claim is made before the source is asked, whatever comes of it.
#[derive(Debug)]
pub(crate) struct Guard {
    limits: Limits,
    held: Option<Held>,
    cooldown: Duration,
    /// Forced attempts since a generation last proved itself.
    unproven_claims: u32,
    tokens: u32,
    refilled: Instant,
}

#[derive(Debug)]
struct Held {
    generation: Generation,
    until: Instant,
}

/// Why the source is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Cooldown,
    Throttled,
}

impl Guard {
    pub(crate) fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            held: None,
            cooldown: limits.cooldown,
            unproven_claims: 0,
            tokens: limits.burst,
            refilled: now,
        }
    }

    /// A generation has proven itself: all is forgotten, so that honest rotations are never held back.
    pub(crate) fn clear(&mut self, now: Instant) {
        *self = Self::new(self.limits, now);
    }

    /// Claims a forced attempt for `generation`, which is current and was rejected.
    pub(crate) fn claim(
        &mut self,
        generation: Generation,
        proven: Proven,
        now: Instant,
    ) -> Result<(), Refused> {
        if let Some(held) = &self.held {
            let applies = held.generation == generation
                || (proven == Proven::No && self.unproven_claims >= 2);
            if applies && now < held.until {
                return Err(Refused::Cooldown);
            }
        }
        self.take(now)?;
        self.unproven_claims = self.unproven_claims.saturating_add(1);
        if self.unproven_claims > 1 {
            self.cooldown = self
                .cooldown
                .saturating_mul(2)
                .min(self.limits.cooldown_cap);
        }
        self.held = Some(Held {
            generation,
            until: now + self.cooldown,
        });
        Ok(())
    }

    /// Takes one attempt out of the bucket, as a refresh that an operator asks for does too.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Refused> {
        while self.tokens < self.limits.burst && now >= self.refilled + self.limits.refill {
            self.tokens += 1;
            self.refilled += self.limits.refill;
        }
        if self.tokens == self.limits.burst {
            self.refilled = now;
        }
        self.tokens = self.tokens.checked_sub(1).ok_or(Refused::Throttled)?;
        Ok(())
    }

    /// Whether this is the first forced attempt since a generation proved itself: then it is likely that
    /// a rotation is under way, and worth looking again for a moment.
    pub(crate) const fn first_attempt(&self) -> bool {
        self.unproven_claims <= 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        cooldown: Duration::from_secs(10),
        cooldown_cap: Duration::from_secs(300),
        burst: 3,
        refill: Duration::from_secs(10),
    };

    fn claims_in_an_hour(next: impl Fn(Generation) -> Generation) -> usize {
        let start = Instant::now();
        let mut guard = Guard::new(LIMITS, start);
        let mut generation = Generation::FIRST;
        (0..36_000)
            .filter(|tenth| {
                let now = start + Duration::from_millis(100 * tenth);
                let claimed = guard.claim(generation, Proven::No, now).is_ok();
                if claimed {
                    generation = next(generation);
                }
                claimed
            })
            .count()
    }

    #[test]
    fn a_key_that_stays_rejected_is_refreshed_a_handful_of_times_an_hour() {
        let claims = claims_in_an_hour(|same| same);
        assert!((10..=18).contains(&claims), "{claims}");
    }

    #[test]
    fn a_source_whose_every_new_key_is_rejected_is_held_back_as_well() {
        let claims = claims_in_an_hour(Generation::next);
        assert!((10..=18).contains(&claims), "{claims}");
    }

    #[test]
    fn rotations_that_prove_themselves_are_never_held_back() {
        let now = Instant::now();
        let mut guard = Guard::new(LIMITS, now);
        let mut generation = Generation::FIRST;
        for _ in 0..200 {
            guard.clear(now);
            assert_eq!(guard.claim(generation, Proven::Yes, now), Ok(()));
            generation = generation.next();
        }
    }

    #[test]
    fn the_bucket_refills_with_time_and_never_above_its_size() {
        let start = Instant::now();
        let mut guard = Guard::new(LIMITS, start);
        let later = start + Duration::from_secs(3600);
        for (now, taken) in [(start, 3), (start + LIMITS.refill, 1), (later, 3)] {
            let took = (0..10).filter(|_| guard.take(now).is_ok()).count();
            assert_eq!(took, taken);
        }
    }
}
