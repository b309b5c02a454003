//! Authentication of clients.

mod authenticator;
mod authorization;
mod config;

pub(super) use self::authenticator::Authenticator;
pub(crate) use self::config::{AuthArgs, AuthConfig, ClientKeys, Guard, Mode, Policies};
