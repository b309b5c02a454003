//! `rotating-auth gateway` and `demo`: the built program, between real sockets.

mod arguments;
mod authorization;
mod client_auth;
mod cors;
mod credentials;
mod demo;
mod draining;
mod edge;
mod faults;
mod forwarding;
pub(crate) mod harness;
mod health;
mod healthcheck;
#[cfg(unix)]
mod nothing_lost;
mod overlap;
mod streaming;
mod tls;
mod uploads;
mod upstream_key;
