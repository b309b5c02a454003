//! Bodies of the type that the inner service takes.

use std::fmt;

use super::Replay;
use super::buffer_body::BufferBody;
use super::replay_body::ReplayBody;

/// Keeps bodies as [`BufferBody`] does, and makes of each what the inner service takes. Made by
/// [`BufferBody::map`].
#[derive(Clone, Copy)]
pub struct MapBody<F> {
    buffer: BufferBody,
    map: F,
}

impl<F> MapBody<F> {
    pub(crate) const fn new(buffer: BufferBody, map: F) -> Self {
        Self { buffer, map }
    }
}

#[diagnostic::do_not_recommend]
impl<B, F, T> Replay<B> for MapBody<F>
where
    BufferBody: Replay<B, Body = ReplayBody<B>>,
    F: Fn(ReplayBody<B>) -> T,
{
    type Body = T;
    type Saved = <BufferBody as Replay<B>>::Saved;

    fn pass(&self, body: B) -> T {
        (self.map)(self.buffer.pass(body))
    }

    fn save(&self, body: B) -> (T, Option<Self::Saved>) {
        let (body, saved) = self.buffer.save(body);
        ((self.map)(body), saved)
    }

    fn pause(&self, saved: Self::Saved) -> Option<Self::Saved> {
        self.buffer.pause(saved)
    }

    fn restore(&self, saved: Self::Saved) -> Option<T> {
        self.buffer.restore(saved).map(&self.map)
    }
}

impl<F> fmt::Debug for MapBody<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapBody")
            .field("buffer", &self.buffer)
            .finish_non_exhaustive()
    }
}
