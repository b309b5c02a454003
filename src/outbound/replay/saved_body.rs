//! What is kept of a body.

use std::fmt;

use http_body::SizeHint;

use super::hand_over::Claim;
use super::replay_body::ReplayBody;

/// What is kept of a body by [`BufferBody`](crate::outbound::replay::BufferBody): a claim to what was sent of it and to the rest.
///
/// When it is dropped, what was recorded is freed at once, and nothing more is.
pub struct SavedBody<B> {
    kept: Kept<B>,
    /// What the body said of its length when it was new.
    hint: SizeHint,
}

enum Kept<B> {
    /// There was nothing to keep.
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
