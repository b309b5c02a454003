//! The origins that need no question.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use http::Uri;
use http::uri::{Authority, Scheme};

/// The most origins to remember. Beyond it all are forgotten, which costs each one question.
const MOST: usize = 1024;

/// Where a request goes. A target without an authority is an origin of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target(Option<Scheme>, Option<Authority>);

impl Target {
    pub(super) fn of(uri: &Uri) -> Self {
        Self(uri.scheme().cloned(), uri.authority().cloned())
    }
}

/// The origins for which asking makes no sense. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Pointless(Arc<RwLock<HashSet<Target>>>);

impl Pointless {
    pub(super) fn contains(&self, target: &Target) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.contains(target)
    }

    pub(super) fn insert(&self, target: &Target) {
        if self.contains(target) {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(target.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Target {
        Target::of(&uri.parse().unwrap())
    }

    #[test]
    fn origin_is_known_whatever_its_path_and_case() {
        let pointless = Pointless::default();
        pointless.insert(&target("https://API.example.com/a"));
        assert!(pointless.contains(&target("https://api.example.com/b?c")));
        for other in [
            "http://api.example.com/a",
            "https://api.example.com:8443/a",
            "https://example.com/a",
            "/a",
        ] {
            assert!(!pointless.contains(&target(other)), "{other}");
        }
        pointless.insert(&target("/a"));
        assert!(pointless.contains(&target("/b")));
    }

    #[test]
    fn origins_are_bounded() {
        let pointless = Pointless::default();
        for number in 0..3 * MOST {
            pointless.insert(&target(&format!("http://host{number}/")));
            assert!(pointless.0.read().unwrap().len() <= MOST);
        }
        assert!(pointless.contains(&target(&format!("http://host{}/", 3 * MOST - 1))));
    }
}
