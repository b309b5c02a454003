//! A limit that upstreams share, so that none of them can use all of it.

use std::collections::HashMap;
use std::sync::Arc;

/// A limit of places or bytes, and what each upstream holds of it.
///
/// Half of the limit is reserved, an equal part for each upstream. The rest is for whoever needs
/// it. So an upstream that does not answer leaves to each other one at least its part.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    limit: usize,
    parts: HashMap<Arc<str>, Part>,
}

#[derive(Debug, Default)]
struct Part {
    held: usize,
    reserved: usize,
}

impl Shares {
    /// Sets the limit, and the upstreams that share it. What is held stays held.
    pub(crate) fn set(&mut self, limit: usize, upstreams: &[Arc<str>]) {
        let equal = limit / upstreams.len().max(1);
        // A small limit leaves more than half to the upstreams, since each needs a place.
        let reserved = (equal / 2).max(equal.min(1));
        for part in self.parts.values_mut() {
            part.reserved = 0;
        }
        for upstream in upstreams {
            let part = self.parts.entry(Arc::clone(upstream)).or_default();
            part.reserved = reserved;
        }
        self.parts
            .retain(|_, part| part.reserved > 0 || part.held > 0);
        self.limit = limit;
    }

    /// Takes an amount for an upstream, and returns whether there was enough.
    pub(crate) fn take(&mut self, upstream: &Arc<str>, amount: usize) -> bool {
        let others = self.parts.iter().filter(|(name, _)| *name != upstream);
        let others = others.map(|(_, part)| part.held.max(part.reserved));
        let left = others.fold(self.limit, usize::saturating_sub);
        let held = self.parts.get(upstream).map_or(0, |part| part.held);
        let wanted = held.saturating_add(amount);
        if wanted > left {
            return false;
        }
        let part = self.parts.entry(Arc::clone(upstream)).or_default();
        part.held = wanted;
        true
    }

    /// Gives back an amount that was taken.
    pub(crate) fn give_back(&mut self, upstream: &str, amount: usize) {
        if let Some(part) = self.parts.get_mut(upstream) {
            part.held = part.held.saturating_sub(amount);
            if part.held == 0 && part.reserved == 0 {
                self.parts.remove(upstream);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared<const N: usize>(limit: usize, names: [&str; N]) -> (Shares, [Arc<str>; N]) {
        let names = names.map(Arc::from);
        let mut shares = Shares::default();
        shares.set(limit, &names);
        (shares, names)
    }

    /// Takes one by one, as often as possible.
    fn drain(shares: &mut Shares, upstream: &Arc<str>) -> usize {
        std::iter::from_fn(|| shares.take(upstream, 1).then_some(())).count()
    }

    #[test]
    fn silent_upstreams_leave_each_other_its_part() {
        for (limit, reserved) in [(3, 1), (4, 1), (6, 1), (12, 2), (4096, 682)] {
            let (mut shares, [a, b, c]) = shared(limit, ["a", "b", "c"]);
            assert_eq!(drain(&mut shares, &a), limit - 2 * reserved, "{limit}");
            assert_eq!(drain(&mut shares, &b), reserved, "{limit}");
            assert_eq!(drain(&mut shares, &c), reserved, "{limit}");
        }
        let (mut shares, [only]) = shared(5, ["only"]);
        assert_eq!(drain(&mut shares, &only), 5);
    }

    #[test]
    fn what_is_given_back_is_free_again() {
        let (mut shares, [a, b]) = shared(100, ["a", "b"]);
        assert!(shares.take(&a, 75) && !shares.take(&a, 1));
        assert!(shares.take(&b, 25) && !shares.take(&b, 1));
        shares.give_back(&a, 60);
        assert!(shares.take(&b, 50), "a still has 10 of its part");
        assert!(!shares.take(&b, 1));
    }

    #[test]
    fn removed_upstream_keeps_what_it_holds() {
        let (mut shares, [a, b]) = shared(10, ["a", "b"]);
        assert!(shares.take(&a, 4));
        shares.set(10, std::slice::from_ref(&b));
        assert_eq!(drain(&mut shares, &b), 6);
        shares.give_back(&a, 4);
        assert_eq!(drain(&mut shares, &b), 4);
        assert_eq!(shares.parts.len(), 1);
    }
}
