//! A source of secrets in HashiCorp Vault and OpenBao.
//!
//! [`session`] keeps a login by one of the methods in [`auth`] alive, [`server`] sends the requests,
//! and [`answer`] finds the secret.

mod answer;
mod auth;
mod lease;
mod path;
mod server;
mod session;
mod source;

pub use self::auth::VaultAuth;
pub use self::source::VaultSource;
