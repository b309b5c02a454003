//! Authentication of clients.

mod authenticator;
mod authorization;
mod challenge;
mod config;
mod keys;

pub(super) use self::authenticator::Authenticator;
pub(crate) use self::config::{AuthArgs, AuthConfig, ClientKeys, Guard, Mode, Policies};
