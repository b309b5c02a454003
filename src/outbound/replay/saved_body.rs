//! The saved side of a recorded body.

use std::fmt;

use http_body::SizeHint;

use super::hand_over::Claim;
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

    pub(crate) fn restore(self) -> Option<ReplayBody<B>> {
        match self.kept {
            Kept::Empty => Some(ReplayBody::ended(self.hint)),
            Kept::Claim(claim) => {
                let (sent, rest) = claim.take_over()?;
                Some(ReplayBody::second(sent, rest, self.hint))
            }
        }
    }
}

impl<B> fmt::Debug for SavedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedBody").finish_non_exhaustive()
    }
}
