//! `rotating-auth gateway` and `demo`: the built program, between real sockets.

mod clients;
mod config;
mod edge;
pub(crate) mod harness;
mod hostile;
mod logs;
#[cfg(unix)]
mod nothing_lost;
mod process;
mod upgrades;
mod upstream;
