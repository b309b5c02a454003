//! The paths that routers and servers may read a path as.

use super::path::{hex, is_plain};

/// How many rounds of decoding are looked through. A path with more may be read as any path.
const ROUNDS: usize = 4;

/// A path as others may read it, in one normal form: decoded to the end, without empty segments,
/// parameters, and dots or spaces at the end of a segment.
///
/// Readers differ in how much of that they do. Each of them only takes text away, so whatever a
/// reader makes of the path, [`may_be`](Self::may_be) is true of it.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The segments between slashes, escaped or not, and backslashes.
    fine: Vec<Vec<u8>>,
    /// The segments between literal slashes, which may contain decoded ones.
    coarse: Vec<Vec<u8>>,
    certainty: Certainty,
    has_dot_segment: bool,
}

/// How much of a path all readers agree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    /// A reader that tidies the path up gets exactly these segments.
    Whole,
    /// Some readers drop segments, but none of so many at the start.
    From(usize),
    /// The path may be read as any path.
    Nothing,
}

/// One segment of a pattern that a path is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// This text, decoded.
    Literal(Vec<u8>),
    /// Any text after this start.
    Parameter(Vec<u8>),
    /// All further segments, of which there is at least one.
    Rest,
}

/// Returns whether no reader takes the path for another one, or another path for this one: it is
/// plain, and has neither escapes nor a slash at its end.
pub(crate) fn has_one_spelling(path: &str) -> bool {
    !path.contains('%') && (path == "/" || !path.ends_with('/')) && is_plain(path)
}

/// Returns the segments of a plain path, decoded.
pub(crate) fn literals(path: &str) -> Vec<Segment> {
    let literals = split(path.as_bytes()).map(|segment| Segment::Literal(decode(segment).bytes));
    literals.collect()
}

impl Segment {
    fn matches(&self, segment: &[u8]) -> bool {
        match self {
            Self::Literal(text) => segment == text,
            Self::Parameter(start) => segment.starts_with(start),
            Self::Rest => true,
        }
    }
}

impl Reading {
    pub(crate) fn of(path: &str) -> Self {
        let coarse = split(path.as_bytes()).map(|segment| decode(segment).bytes);
        let coarse = coarse.collect();
        let decoded = decode(path.as_bytes());
        let mut fine = vec![];
        let mut certainty = Certainty::Whole;
        let (mut pops, mut has_dot_segment) = (false, false);
        for whole in decoded.bytes.split(|byte| is_slash(*byte)) {
            let end = whole.iter().position(|byte| cuts(*byte));
            let name = &whole[..end.unwrap_or(whole.len())];
            let kept = trimmed(name);
            if !kept.is_empty() {
                fine.push(kept.to_vec());
            }
            pops |= kept.is_empty() && whole.windows(2).any(|pair| pair == b"..");
            has_dot_segment |= matches!(name.trim_ascii_end(), b"." | b"..");
            if end.is_some() && certainty == Certainty::Whole {
                certainty = Certainty::From(fine.len());
            }
        }
        // A reader that resolves a reference takes what follows two slashes for a host.
        let [first, second] = [0, 1].map(|at| decoded.bytes.get(at).copied());
        if pops
            || [first, second]
                .iter()
                .all(|byte| byte.is_some_and(is_slash))
        {
            certainty = Certainty::From(0);
        }
        if decoded.is_unclear || !path.starts_with('/') {
            certainty = Certainty::Nothing;
        }
        Self {
            fine,
            coarse,
            certainty,
            has_dot_segment: has_dot_segment || certainty == Certainty::Nothing,
        }
    }

    /// Returns whether somebody may read a segment as `.` or `..`.
    pub(crate) const fn has_dot_segment(&self) -> bool {
        self.has_dot_segment
    }

    /// Returns whether all readers agree about the segments, apart from escapes.
    pub(crate) fn is_whole(&self) -> bool {
        self.certainty == Certainty::Whole
    }

    /// Returns whether somebody may read the path as one that matches the pattern.
    pub(crate) fn may_be(&self, pattern: &[Segment]) -> bool {
        match self.certainty {
            Certainty::Whole => {
                matches_all(pattern, &self.fine) || matches_all(pattern, &self.coarse)
            }
            Certainty::From(kept) => {
                matches_some(pattern, &self.fine, kept) || matches_all(pattern, &self.coarse)
            }
            Certainty::Nothing => true,
        }
    }
}

/// Returns whether the pattern matches these segments, and all of them.
fn matches_all(pattern: &[Segment], segments: &[Vec<u8>]) -> bool {
    let mut left = segments.iter();
    for wanted in pattern {
        match left.next() {
            Some(_) if *wanted == Segment::Rest => return true,
            Some(segment) if wanted.matches(segment) => {}
            _ => return false,
        }
    }
    left.next().is_none()
}

/// Returns whether the pattern matches some of these segments in their order, and the first `kept`
/// of them all.
fn matches_some(pattern: &[Segment], segments: &[Vec<u8>], kept: usize) -> bool {
    let mut left = segments.iter().enumerate();
    for wanted in pattern {
        let found = left.find(|(at, segment)| wanted.matches(segment) || *at < kept);
        match found {
            Some(_) if *wanted == Segment::Rest => return true,
            Some((_, segment)) if wanted.matches(segment) => {}
            _ => return false,
        }
    }
    left.next().is_none_or(|(at, _)| at >= kept)
}

struct Decoded {
    bytes: Vec<u8>,
    /// Whether decoders disagree about it: an escape is malformed, the text is not UTF-8, or it is
    /// escaped too often.
    is_unclear: bool,
}

/// Decodes again and again, until nothing changes.
fn decode(text: &[u8]) -> Decoded {
    let (mut bytes, mut is_unclear) = decode_once(text);
    let mut rounds = 1;
    while bytes.contains(&b'%') {
        let (next, _) = decode_once(&bytes);
        if next == bytes {
            break;
        }
        if rounds == ROUNDS {
            is_unclear = true;
            break;
        }
        rounds += 1;
        bytes = next;
    }
    is_unclear |= std::str::from_utf8(&bytes).is_err();
    Decoded { bytes, is_unclear }
}

/// Decodes each escape once. Returns whether one is malformed, too; it stays as it is.
fn decode_once(text: &[u8]) -> (Vec<u8>, bool) {
    let mut decoded = Vec::with_capacity(text.len());
    let mut is_malformed = false;
    let mut left = text;
    while let Some((&byte, rest)) = left.split_first() {
        let escaped = match (byte, rest) {
            (b'%', [high, low, ..]) => hex(Some(*high)).zip(hex(Some(*low))),
            _ => None,
        };
        is_malformed |= byte == b'%' && escaped.is_none();
        let (plain, after) = match escaped {
            Some((high, low)) => (high << 4 | low, &rest[2..]),
            None => (byte, rest),
        };
        decoded.push(plain);
        left = after;
    }
    (decoded, is_malformed)
}

fn split(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let segments = path.split(|byte| *byte == b'/');
    segments.filter(|segment| !segment.is_empty())
}

const fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

/// Returns whether some readers drop what follows: parameters, a query, a fragment, or whatever
/// comes after a control character.
const fn cuts(byte: u8) -> bool {
    matches!(byte, b';' | b'?' | b'#') || byte.is_ascii_control()
}

fn trimmed(mut segment: &[u8]) -> &[u8] {
    while let [rest @ .., b'.' | b' '] = segment {
        segment = rest;
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_be(path: &str, other: &str) -> bool {
        Reading::of(path).may_be(&literals(other))
    }

    #[test]
    fn every_spelling_may_be_the_path() {
        for path in [
            "/a/@b",
            "/a/@b/",
            "//a///@b",
            "/a/%40b",
            "/%61/%40%62",
            "/a/%2540b",
            "/a%2f@b",
            "/a%5C@b",
            "/a\\@b",
            "/a/./@b",
            "/a/%2e/@b",
            "/x/../a/@b",
            "/a/x/..%2f@b",
            "/x/%252e%252e/a/@b",
            "/a//../@b",
            "/a/..;/@b",
            "/a;v=1/@b;x",
            "/a;%2f../@b",
            "/a/@b.",
            "/a/@b%20",
            "/a/@b%00.txt",
            "/a/@b%3fx=/c",
            "/a/@b%23",
            // Readers disagree about what these are.
            "a/@b",
            "*",
            "/a/%u0040b",
            "/%c0%ae%c0%ae/x",
            "/a/%2525252525252540b",
        ] {
            assert!(may_be(path, "/a/@b"), "{path}");
        }
        assert!(may_be("/a%20b", "/a%20b/") && may_be("/a@b", "/a%40b"));
        assert!(may_be("/", "/") && may_be("/..", "/") && may_be("/a/../..", "/"));
    }

    #[test]
    fn another_path_is_no_spelling() {
        for path in [
            "/",
            "/a",
            "/a/b",
            "/A/@b",
            "/a/@bc",
            "/a/@b/c",
            "/x/a/@b",
            "/a/c%23/@b",
            "/a/100%25",
            "/a/%20@b",
        ] {
            assert!(!may_be(path, "/a/@b"), "{path}");
        }
        // What comes before a cut is there for everybody.
        assert!(!may_be("/v1/models/c%23", "/v1/models"));
        assert!(!may_be("/v1/models/c%23", "/v1/models/d"));
    }

    #[test]
    fn path_with_one_spelling_has_nothing_to_decode() {
        for path in ["/", "/a", "/a/b", "/a@b"] {
            assert!(has_one_spelling(path), "{path}");
        }
        for path in ["", "*", "a", "/a/", "/a%40b", "//a", "/a/..", "/a;b"] {
            assert!(!has_one_spelling(path), "{path}");
        }
    }

    #[test]
    fn long_escapes_are_decoded_in_bounded_rounds() {
        let path = format!("/%{}", "25".repeat(20_000));
        assert!(!Reading::of(&path).is_whole());
    }
}
