//! Decides whether the content of a read is complete.
//!
//! A file that is written in place, or unlinked and created, is empty or partial for a moment. One
//! read cannot tell. These can:
//!
//! - A swapped link in the path, or a rename to a watched name: whoever does that has finished the
//!   file before.
//! - A writer that closes the file. A key is believed at once. Half a key set revokes keys, and some
//!   programs write one in several steps, so it must stay the same for 20 ms.
//! - If nothing else is known, content that stays the same for 50 ms.
//!
//! Whatever the evidence, the file must not change while it is read.

use std::time::Duration;

use super::changes::Writer;
use super::content::{Digest, Fill};
use super::fault::Fault;
use crate::source::fetch::Purpose;

/// The pause between two reads that must agree.
const PAUSE: Duration = Duration::from_millis(50);
/// The same for a key set whose writer has closed the file.
const PAUSE_CLOSED: Duration = Duration::from_millis(20);
/// The pause after a read that met a writer.
const PAUSE_UNSTEADY: Duration = Duration::from_millis(1);
/// How many reads may follow the first.
const MORE_READS: u32 = 5;

/// Where the links of the path lead, compared with the last content that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkTarget {
    Unchanged,
    Swapped,
}

/// Which file the content was read from.
///
/// A swapped link or a rename brings another file. If the event comes late, or the links were
/// looked up a moment too early, it is about content that was accepted before: new content in the
/// same file is somebody who writes in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhichFile {
    /// The one that the accepted content was read from.
    Accepted,
    Another,
}

/// Whether the file changed while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steadiness {
    Steady,
    Unsteady,
}

/// Content that the engine does not have yet, and what is known of it.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) digest: Digest,
    pub(crate) fill: Fill,
    pub(crate) steadiness: Steadiness,
    pub(crate) file: WhichFile,
    pub(crate) link: LinkTarget,
    pub(crate) writer: Writer,
}

/// What to do with the content of a read.
#[derive(Debug)]
pub(crate) enum SettleStep {
    Accept,
    ReadAgainAfter(Duration),
    /// Read again once the writer is done.
    AwaitWriter,
    GiveUp(Fault),
}

/// The reads of one fetch.
pub(crate) struct Settling {
    purpose: Purpose,
    reads: u32,
    last: Option<(Digest, Duration)>,
}

impl Settling {
    pub(crate) const fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            reads: 0,
            last: None,
        }
    }

    /// Judges the content of a read.
    pub(crate) fn judge(&mut self, found: Found) -> SettleStep {
        let complete = match (found.link, found.writer) {
            (LinkTarget::Swapped, _) | (_, Writer::Renamed) if found.file == WhichFile::Another => {
                true
            }
            (_, Writer::Closed) => {
                self.purpose == Purpose::Secret || self.stayed(found.digest, PAUSE_CLOSED)
            }
            (_, Writer::Unknown | Writer::Renamed) => self.stayed(found.digest, PAUSE),
            (_, Writer::Writing) => false,
        };
        let steady = found.steadiness == Steadiness::Steady;
        if complete && steady && found.fill == Fill::Some {
            return SettleStep::Accept;
        }
        if self.reads == MORE_READS {
            return SettleStep::GiveUp(unsettled(found.fill));
        }
        self.reads += 1;
        let pause = match (found.fill, found.writer) {
            (_, Writer::Writing) => {
                self.last = Some((found.digest, Duration::ZERO));
                return SettleStep::AwaitWriter;
            }
            (_, Writer::Closed | Writer::Renamed) if !steady => PAUSE_UNSTEADY,
            (Fill::Some, Writer::Closed) => PAUSE_CLOSED,
            _ => PAUSE,
        };
        self.last = Some((found.digest, pause));
        SettleStep::ReadAgainAfter(pause)
    }

    /// Returns whether the read before found the same content, at least `pause` ago.
    fn stayed(&self, digest: Digest, pause: Duration) -> bool {
        self.last
            .is_some_and(|(last, ago)| last == digest && ago >= pause)
    }
}

/// Returns what is wrong with content that does not settle.
pub(crate) const fn unsettled(fill: Fill) -> Fault {
    match fill {
        Fill::Empty => Fault::Empty,
        Fill::Some => Fault::Torn,
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::source::file::content::Content;

    /// A read of this content, of which nothing else is known.
    fn found(content: &str) -> Found {
        let content = Content::new(Zeroizing::new(content.into()), None);
        Found {
            digest: content.digest(),
            fill: content.fill(),
            steadiness: Steadiness::Steady,
            file: WhichFile::Another,
            link: LinkTarget::Unchanged,
            writer: Writer::Unknown,
        }
    }

    fn by(writer: Writer) -> Found {
        Found {
            writer,
            ..found("key")
        }
    }

    fn key() -> Settling {
        Settling::new(Purpose::Secret)
    }

    #[test]
    fn content_is_accepted_after_two_equal_reads() {
        let mut settling = key();
        for torn in ["", "k", "ke", "", "key"] {
            let verdict = settling.judge(found(torn));
            let again = matches!(verdict, SettleStep::ReadAgainAfter(PAUSE));
            assert!(again, "{torn:?}: {verdict:?}");
        }
        let verdict = settling.judge(found("key"));
        assert!(matches!(verdict, SettleStep::Accept), "{verdict:?}");
    }

    #[test]
    fn swapped_link_accepts_content_at_once() {
        let swapped = |content| Found {
            link: LinkTarget::Swapped,
            ..found(content)
        };
        for writer in [Writer::Unknown, Writer::Writing, Writer::Renamed] {
            let found = Found {
                writer,
                ..swapped("key")
            };
            assert!(
                matches!(key().judge(found), SettleStep::Accept),
                "{writer:?}"
            );
        }
        let empty = key().judge(swapped(" \n"));
        assert!(
            matches!(empty, SettleStep::ReadAgainAfter(PAUSE)),
            "{empty:?}"
        );
    }

    #[test]
    fn late_evidence_says_nothing_of_a_write_in_place() {
        for (link, writer) in [
            (LinkTarget::Swapped, Writer::Unknown),
            (LinkTarget::Swapped, Writer::Renamed),
            (LinkTarget::Unchanged, Writer::Renamed),
        ] {
            let found = Found {
                file: WhichFile::Accepted,
                link,
                ..by(writer)
            };
            let mut settling = key();
            let verdict = settling.judge(found);
            assert!(
                matches!(verdict, SettleStep::ReadAgainAfter(PAUSE)),
                "{verdict:?}"
            );
            let verdict = settling.judge(found);
            assert!(matches!(verdict, SettleStep::Accept), "{verdict:?}");
        }
    }

    #[test]
    fn renamed_file_is_accepted_at_once() {
        for purpose in [Purpose::Secret, Purpose::KeySet] {
            let verdict = Settling::new(purpose).judge(by(Writer::Renamed));
            assert!(matches!(verdict, SettleStep::Accept), "{verdict:?}");
        }
    }

    #[test]
    fn closed_key_is_accepted_at_once() {
        let verdict = key().judge(by(Writer::Closed));
        assert!(matches!(verdict, SettleStep::Accept), "{verdict:?}");
    }

    #[test]
    fn closed_key_set_is_read_twice() {
        let mut settling = Settling::new(Purpose::KeySet);
        let verdict = settling.judge(by(Writer::Closed));
        let again = matches!(verdict, SettleStep::ReadAgainAfter(PAUSE_CLOSED));
        assert!(again, "{verdict:?}");
        let verdict = settling.judge(by(Writer::Closed));
        assert!(matches!(verdict, SettleStep::Accept), "{verdict:?}");
    }

    #[test]
    fn content_that_is_being_written_is_not_accepted() {
        let mut settling = key();
        for _ in 0..2 {
            let verdict = settling.judge(by(Writer::Writing));
            assert!(matches!(verdict, SettleStep::AwaitWriter), "{verdict:?}");
        }
        // It stays open: nothing more comes, and the content has to settle.
        let verdict = settling.judge(by(Writer::Unknown));
        let again = matches!(verdict, SettleStep::ReadAgainAfter(PAUSE));
        assert!(again, "{verdict:?}");
        let verdict = settling.judge(by(Writer::Unknown));
        assert!(matches!(verdict, SettleStep::Accept), "{verdict:?}");
    }

    #[test]
    fn file_that_changes_meanwhile_is_read_again() {
        for writer in [Writer::Unknown, Writer::Closed, Writer::Renamed] {
            for link in [LinkTarget::Unchanged, LinkTarget::Swapped] {
                let unsteady = Found {
                    steadiness: Steadiness::Unsteady,
                    link,
                    ..by(writer)
                };
                let verdict = key().judge(unsteady);
                let again = matches!(verdict, SettleStep::ReadAgainAfter(_));
                assert!(again, "{writer:?} {link:?}: {verdict:?}");
            }
        }
    }

    #[test]
    fn content_that_never_settles_is_an_error() {
        let mut changing = key();
        let mut empty = key();
        for look in 0..MORE_READS {
            let verdict = changing.judge(found(&look.to_string()));
            let again = matches!(verdict, SettleStep::ReadAgainAfter(PAUSE));
            assert!(again, "{verdict:?}");
            let verdict = empty.judge(found(""));
            let again = matches!(verdict, SettleStep::ReadAgainAfter(PAUSE));
            assert!(again, "{verdict:?}");
        }
        let verdict = changing.judge(found("the last"));
        let torn = matches!(verdict, SettleStep::GiveUp(Fault::Torn));
        assert!(torn, "{verdict:?}");
        let verdict = empty.judge(found(""));
        let gave_up = matches!(verdict, SettleStep::GiveUp(Fault::Empty));
        assert!(gave_up, "{verdict:?}");
    }
}
