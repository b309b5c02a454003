//! The saved side of a recorded body.

use std::fmt;

use http_body::SizeHint;

use super::record::{Claim, record};
use super::replay_body::ReplayBody;

/// What [`BufferBody`](crate::outbound::replay::BufferBody) keeps of a body: a claim to what was
/// sent of it, and to the rest.
///
/// Dropping it frees the recording, and ends recording.
pub struct SavedBody<B> {
    kept: Kept<B>,
    /// The size hint that the body had when it was new.
    hint: SizeHint,
}

enum Kept<B> {
    /// The body was empty.
    Empty,
    Claim(Claim<B>),
}

impl<B> SavedBody<B> {
    pub(crate) const fn empty(hint: SizeHint) -> Self {
        let kept = Kept::Empty;
        Self { kept, hint }
    }

    pub(crate) const fn claim(claim: Claim<B>, hint: SizeHint) -> Self {
        let kept = Kept::Claim(claim);
        Self { kept, hint }
    }

    pub(crate) fn pause(self) -> Option<Self> {
        let kept = match self.kept {
            Kept::Empty => Kept::Empty,
            Kept::Claim(claim) => Kept::Claim(claim.pause()?),
        };
        Some(Self { kept, ..self })
    }

    /// Restores the body for its last replay.
    pub(crate) fn restore(self) -> Option<ReplayBody<B>> {
        match self.kept {
            Kept::Empty => Some(ReplayBody::ended(self.hint)),
            Kept::Claim(claim) => {
                let (sent, rest) = claim.take_over()?;
                Some(ReplayBody::second(rest.replay(sent, self.hint)))
            }
        }
    }

    /// Restores the body for a replay that another one may follow, and that is recorded like the
    /// first attempt.
    pub(crate) fn restore_again(self, max_bytes: usize) -> Option<(ReplayBody<B>, Self)> {
        let hint = self.hint;
        match self.kept {
            Kept::Empty => Some((ReplayBody::ended(self.hint), Self::empty(hint))),
            Kept::Claim(claim) => {
                let (sent, rest) = claim.take_over()?;
                let (body, claim) = record(rest.replay(sent, self.hint), max_bytes);
                Some((ReplayBody::first(body), Self::claim(claim, hint)))
            }
        }
    }
}

impl<B> fmt::Debug for SavedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedBody").finish_non_exhaustive()
    }
}
