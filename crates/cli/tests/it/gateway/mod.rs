//! The gateway, as its users have it: the built program, between real sockets.

mod arguments;
mod cors;
mod credentials;
mod demo;
mod door;
mod draining;
mod faults;
mod forwarding;
pub(crate) mod harness;
mod health;
#[cfg(unix)]
mod nothing_lost;
mod overlap;
mod streaming;
mod tls;
mod uploads;
