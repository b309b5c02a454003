//! The life of a key.

mod imported;
mod token;

pub use self::imported::{ImportedKey, Strength};
pub use self::token::{InvalidPrefix, NewKey, NoRandomness, ParsedToken, Prefix, UnparsedToken};
