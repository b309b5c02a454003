//! A token bucket.

use std::time::Duration;

use tokio::time::Instant;

/// A token bucket: it allows `size` events in a row, and one more in each `refill`.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    size: u32,
    refill: Duration,
    tokens: u32,
    refilled: Instant,
}

/// There is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Empty;

impl TokenBucket {
    /// Creates a full bucket.
    pub(crate) const fn full(size: u32, refill: Duration, now: Instant) -> Self {
        Self {
            size,
            refill,
            tokens: size,
            refilled: now,
        }
    }

    /// Takes a token out of the bucket.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Empty> {
        while self.tokens < self.size && now >= self.refilled + self.refill {
            self.tokens += 1;
            self.refilled += self.refill;
        }
        if self.tokens == self.size {
            self.refilled = now;
        }
        self.tokens = self.tokens.checked_sub(1).ok_or(Empty)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFILL: Duration = Duration::from_secs(10);

    #[test]
    fn bucket_refills_up_to_its_size() {
        let start = Instant::now();
        let mut bucket = TokenBucket::full(3, REFILL, start);
        let later = start + Duration::from_secs(3600);
        for (now, taken) in [(start, 3), (start + REFILL, 1), (later, 3)] {
            let took = (0..10).filter(|_| bucket.take(now).is_ok()).count();
            assert_eq!(took, taken);
        }
    }

    #[test]
    fn part_of_a_refill_is_not_lost() {
        let start = Instant::now();
        let mut bucket = TokenBucket::full(2, REFILL, start);
        let after = |seconds| start + Duration::from_secs(seconds);
        let moments = [0, 0, 9, 10, 19, 20].map(|seconds| bucket.take(after(seconds)).is_ok());
        assert_eq!(moments, [true, true, false, true, false, true]);
    }
}
