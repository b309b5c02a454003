//! The upstreams: their settings, their keys, and which of them a request goes to.

mod args;
mod key;
mod open;
mod settings;
mod table;

pub(crate) use self::args::UpstreamArgs;
pub(crate) use self::open::{OpenUpstream, Shared};
pub(crate) use self::settings::{KeyFrom, KeyHeader, Upstream};
pub(crate) use self::table::Upstreams;
