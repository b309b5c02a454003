//! Which uploads are held back, and for how long.

use std::time::Duration;

use http::header::EXPECT;
use http::{HeaderMap, Version};
use http_body::SizeHint;

#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    /// Uploads above this length are held back.
    pub(super) max_bytes: u64,
    pub(super) unknown_length: UnknownLength,
    pub(super) timeout: Duration,
}

/// What to do with an upload whose length is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownLength {
    /// It is sent at once, as streams of messages must be.
    #[default]
    SendAtOnce,
    /// It is held back as a long upload is.
    HoldBack,
}

impl Options {
    /// Decides whether to hold an upload back. A caller that has set `Expect` itself wants that.
    pub(super) fn holds_back(
        &self,
        version: Version,
        headers: &HeaderMap,
        hint: &SizeHint,
    ) -> bool {
        if version < Version::HTTP_11 {
            return false;
        }
        let is_long = hint.lower() > self.max_bytes;
        let is_unknown = hint.upper().is_none();
        is_long
            || (is_unknown && self.unknown_length == UnknownLength::HoldBack)
            || headers
                .get(EXPECT)
                .is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(max_bytes: u64, unknown_length: UnknownLength) -> Options {
        Options {
            max_bytes,
            unknown_length,
            timeout: Duration::ZERO,
        }
    }

    fn holds_back(options: &Options, bytes: Option<u64>, expect: Option<&'static str>) -> bool {
        let hint = bytes.map_or_else(SizeHint::default, SizeHint::with_exact);
        let mut headers = HeaderMap::new();
        if let Some(expect) = expect {
            drop(headers.insert(EXPECT, http::HeaderValue::from_static(expect)));
        }
        options.holds_back(Version::HTTP_11, &headers, &hint)
    }

    #[test]
    fn uploads_above_the_limit_are_held_back() {
        let known = options(1000, UnknownLength::SendAtOnce);
        assert!(holds_back(&known, Some(1001), None));
        assert!(!holds_back(&known, Some(1000), None));
        assert!(!holds_back(&known, None, None));
        assert!(holds_back(&known, Some(1), Some("100-Continue")));
        assert!(!holds_back(&known, Some(1), Some("something")));

        let unknown = options(1000, UnknownLength::HoldBack);
        assert!(holds_back(&unknown, None, None));
        assert!(!holds_back(&unknown, Some(0), None));
    }

    #[test]
    fn http_1_0_knows_no_100_continue() {
        let options = options(0, UnknownLength::HoldBack);
        let hint = SizeHint::with_exact(1);
        let version = Version::HTTP_10;
        assert!(!options.holds_back(version, &HeaderMap::new(), &hint));
    }
}
