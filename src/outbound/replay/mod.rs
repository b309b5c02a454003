//! How a body is kept so that it can be sent twice. Nothing here knows of keys.

mod buffer_body;
mod clone_body;
mod frame;
mod hand_over;
mod map_body;
mod recording;
mod replay_body;
mod saved_body;
mod superseded;

pub use self::buffer_body::BufferBody;
pub use self::clone_body::CloneBody;
pub use self::map_body::MapBody;
pub use self::replay_body::ReplayBody;
pub use self::saved_body::SavedBody;
pub use self::superseded::Superseded;

/// How a request's body is kept until the answer to the first attempt is known.
///
/// It is a type, since it decides which body the inner service is called with. [`CloneBody`] is for bodies in
/// memory, [`BufferBody`] for those that stream.
#[diagnostic::on_unimplemented(
    message = "a body of type `{B}` cannot be kept for a second attempt by `{Self}`",
    note = "give `.replay(…)` a `BufferBody`, which keeps of a stream what was sent of it, or a closure \
            `Fn(&Body) -> Option<Body>` that copies what can be copied",
    note = "or take `.without_replay()`, which hands a 401 on as it is",
    note = "the default, `CloneBody`, keeps bodies that are `Clone`"
)]
pub trait Replay<B> {
    /// The body that the inner service is given.
    type Body;
    /// What is kept. It is dropped as soon as it is known that there will be no second attempt.
    type Saved;

    /// A body that will be sent once.
    fn pass(&self, body: B) -> Self::Body;

    /// A body that may be sent again, with what is kept for that; `None` where it cannot be.
    fn save(&self, body: B) -> (Self::Body, Option<Self::Saved>);

    /// The first attempt was rejected: there is no point in sending more of its body until it is known
    /// whether there will be a second. `None` where it turns out that there can be none.
    fn pause(&self, saved: Self::Saved) -> Option<Self::Saved> {
        Some(saved)
    }

    /// The body for the second attempt; `None` where it turns out that there is none.
    fn restore(&self, saved: Self::Saved) -> Option<Self::Body>;
}
