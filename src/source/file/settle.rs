//! Decides whether the content of a read is complete.
//!
//! A file that is written in place, or unlinked and created, is empty or partial for a moment, and
//! one read cannot tell. So content is accepted when two reads in a row return it, 50 ms apart. The
//! exception is a swapped link in the path: its writer has finished the target before it swaps.
//!
//! A fetch reads at most six times, over 250 ms. The writers in `tests/it/file_source/torn.rs`
//! pause between their pieces for less than 50 ms, and no partial key is ever published;
//! `volume.rs` shows that a swap is accepted at once.

use std::time::Duration;

use super::content::{Digest, Fill};
use super::fault::Fault;

/// The pause between two reads.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);
/// How many reads may follow the first.
const MORE_READS: u32 = 5;

/// Where the links of the path lead, compared with the last content that was accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkTarget {
    Unchanged,
    Swapped,
}

/// What to do with the content of a read.
#[derive(Debug)]
pub(crate) enum Verdict {
    Accept,
    /// Read again after [`PAUSE`].
    ReadAgain,
    GiveUp(Fault),
}

/// The reads of one fetch.
#[derive(Default)]
pub(crate) struct Settling {
    reads: u32,
    last: Option<Digest>,
}

impl Settling {
    /// Judges content that the engine does not have yet.
    pub(crate) fn judge(&mut self, found: Digest, fill: Fill, target: LinkTarget) -> Verdict {
        let settled = target == LinkTarget::Swapped || self.last == Some(found);
        if fill == Fill::Some && settled {
            return Verdict::Accept;
        }
        if self.reads == MORE_READS {
            return Verdict::GiveUp(match fill {
                Fill::Empty => Fault::Empty,
                Fill::Some => Fault::Torn,
            });
        }
        self.reads += 1;
        self.last = Some(found);
        Verdict::ReadAgain
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::source::file::content::Content;

    /// Judges one read after another; `""` is an empty file.
    fn judge(settling: &mut Settling, content: &str, target: LinkTarget) -> Verdict {
        let content = Content::new(Zeroizing::new(content.into()));
        settling.judge(content.digest(), content.fill(), target)
    }

    #[test]
    fn content_is_accepted_after_two_equal_reads() {
        let mut settling = Settling::default();
        for torn in ["", "k", "ke", "", "key"] {
            let verdict = judge(&mut settling, torn, LinkTarget::Unchanged);
            assert!(
                matches!(verdict, Verdict::ReadAgain),
                "{torn:?}: {verdict:?}"
            );
        }
        let verdict = judge(&mut settling, "key", LinkTarget::Unchanged);
        assert!(matches!(verdict, Verdict::Accept), "{verdict:?}");
    }

    #[test]
    fn swapped_link_accepts_content_at_once() {
        let believed = judge(&mut Settling::default(), "key", LinkTarget::Swapped);
        assert!(matches!(believed, Verdict::Accept), "{believed:?}");
        let empty = judge(&mut Settling::default(), " \n", LinkTarget::Swapped);
        assert!(matches!(empty, Verdict::ReadAgain), "{empty:?}");
    }

    #[test]
    fn content_that_never_settles_is_an_error() {
        let mut changing = Settling::default();
        let mut empty = Settling::default();
        for look in 0..MORE_READS {
            let content = look.to_string();
            let verdict = judge(&mut changing, &content, LinkTarget::Unchanged);
            assert!(matches!(verdict, Verdict::ReadAgain), "{verdict:?}");
            let verdict = judge(&mut empty, "", LinkTarget::Unchanged);
            assert!(matches!(verdict, Verdict::ReadAgain), "{verdict:?}");
        }
        let verdict = judge(&mut changing, "the last", LinkTarget::Unchanged);
        assert!(
            matches!(verdict, Verdict::GiveUp(Fault::Torn)),
            "{verdict:?}"
        );
        let verdict = judge(&mut empty, "", LinkTarget::Unchanged);
        assert!(
            matches!(verdict, Verdict::GiveUp(Fault::Empty)),
            "{verdict:?}"
        );
    }
}
