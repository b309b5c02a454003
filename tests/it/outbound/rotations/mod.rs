//! A model of rotations on virtual time: a key file, an upstream with its own view of which keys it
//! accepts, and clients in between.
//!
//! Each test runs every combination of its settings, and judges each request by one law: a request
//! may be lost only if nobody had a key that would have served it.

mod hostile;
mod orders;
mod replaced;
mod world;

pub(crate) use self::world::{Body, Rotation, Run};
