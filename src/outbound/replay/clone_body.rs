//! Bodies that can be copied.

use super::Replay;

/// A [`Replay`] that keeps a clone of the body. For bodies in memory whose clones are cheap, such
/// as `Full<Bytes>`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CloneBody;

#[diagnostic::do_not_recommend]
impl<B: Clone> Replay<B> for CloneBody {
    type Body = B;
    type Saved = B;

    fn pass(&self, body: B) -> B {
        body
    }

    fn save(&self, body: B) -> (B, Option<B>) {
        let saved = body.clone();
        (body, Some(saved))
    }

    fn restore(&self, saved: B) -> Option<B> {
        Some(saved)
    }

    fn restore_again(&self, saved: B) -> Option<(B, Option<B>)> {
        Some((saved.clone(), Some(saved)))
    }
}

/// Keeps what the closure returns: a copy of the body, or `None` for a body that is sent once.
#[diagnostic::do_not_recommend]
impl<B, F: Fn(&B) -> Option<B>> Replay<B> for F {
    type Body = B;
    type Saved = B;

    fn pass(&self, body: B) -> B {
        body
    }

    fn save(&self, body: B) -> (B, Option<B>) {
        let saved = self(&body);
        (body, saved)
    }

    fn restore(&self, saved: B) -> Option<B> {
        Some(saved)
    }

    fn restore_again(&self, saved: B) -> Option<(B, Option<B>)> {
        Some(match self(&saved) {
            Some(copy) => (copy, Some(saved)),
            None => (saved, None),
        })
    }
}
