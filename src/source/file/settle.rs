//! Whether to believe what a look at the file found.
//!
//! A file that is written in place, or unlinked and created, is empty or partial for a moment, and one
//! look cannot tell. So content is believed when two looks in a row found it. The exception is a link
//! on the way to the file that was swapped: whoever swaps a link has finished what it points to.

use std::time::Duration;

use super::content::{Digest, Fill};
use super::fault::Fault;

/// The pause between two looks.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);
/// Looks after the first.
const MORE_READS: u32 = 5;

/// Where the links on the way to the file lead, compared with the last content that was believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkTarget {
    Unchanged,
    Swapped,
}

/// What to do with what a look found.
#[derive(Debug)]
pub(crate) enum Verdict {
    Accept,
    /// Reading again after [`PAUSE`].
    ReadAgain,
    GiveUp(Fault),
}

/// The looks of one fetch.
#[derive(Default)]
pub(crate) struct Settling {
    reads: u32,
    last: Option<Digest>,
}

impl Settling {
    /// Judges what a look found that the engine does not have yet.
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

    /// Judges a look after another; `""` is an empty file.
    fn judge(settling: &mut Settling, content: &str, target: LinkTarget) -> Verdict {
        let content = Content::new(Zeroizing::new(content.into()));
        settling.judge(content.digest(), content.fill(), target)
    }

    #[test]
    fn content_is_believed_when_two_looks_in_a_row_found_it() {
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
    fn content_behind_a_swapped_link_is_believed_at_once_unless_it_is_empty() {
        let believed = judge(&mut Settling::default(), "key", LinkTarget::Swapped);
        assert!(matches!(believed, Verdict::Accept), "{believed:?}");
        let empty = judge(&mut Settling::default(), " \n", LinkTarget::Swapped);
        assert!(matches!(empty, Verdict::ReadAgain), "{empty:?}");
    }

    #[test]
    fn what_never_settles_is_given_up() {
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
