//! How long something is good for that Vault lends.

use std::time::Duration;

use tokio::time::Instant;

use crate::source::expiry::LONGEST;
use crate::source::json::Json;

/// The share of a lease after which a login is renewed.
const SHARE: f64 = 2.0 / 3.0;

/// A lease: of a login, or of a dynamic secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Zero if it has no end.
    pub(crate) duration: Duration,
    pub(crate) is_renewable: bool,
}

impl Lease {
    /// Reads the lease in the object at a JSON pointer.
    pub(crate) fn at(json: &Json, pointer: &str) -> Self {
        let found = |name| json.at(&format!("{pointer}/{name}"));
        let seconds = found("lease_duration").and_then(serde_json::Value::as_u64);
        let renewable = found("renewable").and_then(serde_json::Value::as_bool);
        Self {
            duration: Duration::from_secs(seconds.unwrap_or_default()).min(LONGEST),
            is_renewable: renewable.unwrap_or_default(),
        }
    }

    /// Returns whether a renewal has given much less than the lease had at first: its longest life
    /// comes to an end.
    pub(crate) fn ends_soon(self, renewed: Self) -> bool {
        renewed.duration < self.duration / 2
    }

    /// Returns when to renew it, if it ends.
    pub(crate) fn renew_at(self, now: Instant) -> Option<Instant> {
        (!self.duration.is_zero()).then(|| now + self.duration.mul_f64(SHARE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_is_read_with_defaults() {
        let json = br#"{"auth":{"lease_duration":60,"renewable":true},"lease_duration":"x"}"#;
        let json = Json::parse(json).unwrap();
        let lease = Lease::at(&json, "/auth");
        assert_eq!(
            (lease.duration, lease.is_renewable),
            (Duration::from_secs(60), true)
        );
        let lease = Lease::at(&json, "");
        assert_eq!(
            (lease.duration, lease.is_renewable),
            (Duration::ZERO, false)
        );
    }

    #[test]
    fn renewal_that_gives_less_than_half_ends_soon() {
        let lease = |seconds| Lease {
            duration: Duration::from_secs(seconds),
            is_renewable: true,
        };
        assert!(lease(60).ends_soon(lease(29)));
        assert!(!lease(60).ends_soon(lease(30)));
        assert!(!lease(0).ends_soon(lease(0)));
    }
}
