//! Helpers that the tests share.

#[cfg(all(unix, feature = "file", not(portable_only)))]
pub(crate) mod child;
mod clock;
mod errors;
mod example;
mod feed;
pub(crate) mod model;
mod park;
mod probe;
mod script;
mod text;
mod traced;
mod upstream;

pub(crate) use self::clock::{Wall, at_once, millis, minutes, moment, pass, secs};
pub(crate) use self::errors::{source_kind, start_kind};
pub(crate) use self::example::example;
pub(crate) use self::feed::{Broken, Fed, Feed, feed, watched};
pub(crate) use self::park::block_on;
pub(crate) use self::probe::Probe;
pub(crate) use self::script::{Answer, Asked, Log, Script, script};
pub(crate) use self::text::Text;
pub(crate) use self::traced::Traced;
pub(crate) use self::upstream::Upstream;
