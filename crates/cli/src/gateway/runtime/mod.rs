//! The gateway while it runs: the parts that serve requests, and their replacement.

mod gateway;
mod live;
mod parts;
mod reload;
mod startup;
mod try_keys;
mod waiting;

pub(crate) use self::gateway::Gateway;
pub(crate) use self::reload::ConfigFile;
pub(crate) use self::startup::Startup;
pub(crate) use self::try_keys::try_keys;
