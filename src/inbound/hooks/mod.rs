//! Functions of the application that the layer calls.

mod hook;
mod secure_only;

pub(crate) use self::hook::{Hook, SecondFactor};
pub use self::secure_only::{DisclosedKey, SecureOnly};
