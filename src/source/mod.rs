//! Sources of secrets, and what turns a secret into something that can be used.

mod closure;
mod pushed;

pub use self::closure::{SourceFn, source_fn};
pub use self::pushed::{Pushed, Pusher, pushed};
