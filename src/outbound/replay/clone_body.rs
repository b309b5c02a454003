//! Bodies of which there can be two.

use super::Replay;

/// Keeps a clone of the body: for bodies in memory, such as `Full<Bytes>`, whose clones are cheap.
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
}

/// A closure keeps what it returns: a copy of the body, or `None` for one that is sent once.
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
}
