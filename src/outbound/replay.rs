//! How a body is kept so that it can be sent twice.

/// How a request's body is kept until the answer to the first attempt is known.
///
/// It is a type, since it decides which body the inner service is called with.
#[diagnostic::on_unimplemented(
    message = "a body of type `{B}` cannot be kept for a second attempt by `{Self}`",
    note = "give `.replay(…)` a closure `Fn(&Body) -> Option<Body>` that copies what can be copied, \
            or take `.without_replay()`, which hands a 401 on as it is",
    note = "the default, `CloneBody`, keeps bodies that are `Clone`"
)]
pub trait Replay<B> {
    /// The body that the inner service is given.
    type Body;
    /// What is kept.
    type Saved;

    /// A body that will be sent once.
    fn pass(&self, body: B) -> Self::Body;

    /// A body that may be sent again, with what is kept for that; `None` where it cannot be.
    fn save(&self, body: B) -> (Self::Body, Option<Self::Saved>);

    /// The body for the second attempt; `None` where it turns out that there is none.
    fn restore(&self, saved: Self::Saved) -> Option<Self::Body>;
}

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
