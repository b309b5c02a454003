//! The life of a key.

mod token;

pub use self::token::{NewKey, NoRandomness};
