//! What a caller asks of a key ring.

mod issue;
mod life;
mod selector;

pub use self::issue::IssueRequest;
pub(crate) use self::life::length_of_life;
pub use self::selector::KeySelector;
