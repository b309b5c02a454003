//! Authentication of clients.

mod authenticator;
mod config;

pub(super) use self::authenticator::Authenticator;
pub(crate) use self::config::{AuthArgs, AuthConfig, ClientKeys, Guard, Mode};
