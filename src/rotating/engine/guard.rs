//! The storm guard: limits how often demands can start a round of fetches.

use std::time::Duration;

use tokio::time::Instant;

use crate::generation::Generation;
use crate::rotating::value::Health;
use crate::telemetry::TokenBucket;

/// The limits of the storm guard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long a claim holds back the next one, at first. It doubles …
    pub(crate) cooldown: Duration,
    /// … up to this cap.
    pub(crate) cooldown_cap: Duration,
    /// The size of the token bucket: how many claims and requested refreshes may come in a row.
    pub(crate) burst: u32,
    /// The time in which the bucket gains one token.
    pub(crate) refill: Duration,
}

/// A guard against storms of demands: it limits how often they can start a round.
///
/// It has three parts, each for a storm that the others let through:
///
/// - a cooldown for a generation that goes on failing;
/// - a cooldown that doubles, for a source whose every new value fails soon;
/// - a token bucket for the rest.
///
/// A round is claimed before the source is asked, so that a failure counts as well.
#[derive(Debug)]
pub(crate) struct Guard {
    limits: Limits,
    held: Option<Held>,
    cooldown: Duration,
    /// Claims (rounds of fetches) since the guard was last reset.
    claims: u32,
    bucket: TokenBucket,
    /// Until when a demand may well be a false alarm, as the last one was.
    wary_until: Option<Instant>,
}

#[derive(Debug)]
struct Held {
    generation: Generation,
    until: Instant,
}

/// Why the guard refuses a round or a requested refresh.
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
            claims: 0,
            bucket: TokenBucket::full(limits.burst, limits.refill, now),
            wary_until: None,
        }
    }

    /// Resets the guard, so that real rotations are never held back.
    ///
    /// The plan calls this once for each settled generation: when that one fails later or is
    /// replaced.
    pub(crate) fn clear(&mut self, now: Instant) {
        *self = Self {
            wary_until: self.wary_until,
            ..Self::new(self.limits, now)
        };
    }

    /// Ends the cooldown of `generation`, which has succeeded since its last round was claimed.
    ///
    /// One failed use among successful ones must not keep the next real rotation waiting.
    pub(crate) fn forgive(&mut self, generation: Generation) {
        if self
            .held
            .take_if(|held| held.generation == generation)
            .is_some()
        {
            self.cooldown = self.limits.cooldown;
        }
    }

    /// Takes demands for possible false alarms until `until`.
    pub(crate) fn be_wary(&mut self, until: Instant) {
        self.wary_until = self.wary_until.max(Some(until));
    }

    pub(crate) fn is_wary(&self, now: Instant) -> bool {
        self.wary_until.is_some_and(|until| now < until)
    }

    /// Claims a round for `generation`, which is current and has failed.
    pub(crate) fn claim(
        &mut self,
        generation: Generation,
        health: Health,
        now: Instant,
    ) -> Result<(), Refused> {
        if let Some(held) = &self.held {
            let applies =
                held.generation == generation || (!health.is_settled(now) && self.claims >= 2);
            if applies && now < held.until {
                return Err(Refused::Cooldown);
            }
        }
        self.take(now)?;
        self.claims = self.claims.saturating_add(1);
        if self.claims > 1 {
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

    /// Takes a token out of the bucket. A call of [`Rotating::refresh`](crate::Rotating::refresh)
    /// takes one, too.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Refused> {
        self.bucket.take(now).map_err(|_empty| Refused::Throttled)
    }

    /// Returns whether the current round is the first one claimed since the guard was last reset.
    ///
    /// Then a rotation is likely under way, and it is worth asking again for a moment.
    pub(crate) const fn is_first_claim(&self) -> bool {
        self.claims <= 1
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
                let claimed = guard.claim(generation, Health::Unconfirmed, now).is_ok();
                if claimed {
                    generation = next(generation);
                }
                claimed
            })
            .count()
    }

    #[test]
    fn rejected_key_is_refreshed_few_times_an_hour() {
        let claims = claims_in_an_hour(|same| same);
        assert!((10..=18).contains(&claims), "{claims}");
    }

    #[test]
    fn source_of_rejected_keys_is_held_back() {
        let claims = claims_in_an_hour(Generation::next);
        assert!((10..=18).contains(&claims), "{claims}");
    }

    #[test]
    fn settled_rotations_are_never_held_back() {
        let now = Instant::now();
        let mut guard = Guard::new(LIMITS, now);
        let mut generation = Generation::FIRST;
        for _ in 0..200 {
            guard.clear(now);
            let settled = Health::Confirmed {
                since: now - Duration::from_secs(10),
                failing_since: None,
            };
            assert_eq!(guard.claim(generation, settled, now), Ok(()));
            generation = generation.next();
        }
    }

    #[test]
    fn forgiven_generation_has_no_cooldown() {
        let now = Instant::now();
        let mut guard = Guard::new(LIMITS, now);
        let generation = Generation::FIRST;
        let claim = |guard: &mut Guard| guard.claim(generation, Health::Unconfirmed, now);
        assert_eq!(claim(&mut guard), Ok(()));
        assert_eq!(claim(&mut guard), Err(Refused::Cooldown));
        guard.forgive(generation.next());
        assert_eq!(claim(&mut guard), Err(Refused::Cooldown));
        guard.forgive(generation);
        assert_eq!(claim(&mut guard), Ok(()));
    }
}
