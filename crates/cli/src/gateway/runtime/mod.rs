//! The gateway while it runs: what serves requests, and what replaces that.

mod gateway;
mod live;
mod parts;
mod reload;
mod startup;
mod waiting;

pub(crate) use self::gateway::Gateway;
pub(crate) use self::reload::ConfigFile;
pub(crate) use self::startup::Startup;
