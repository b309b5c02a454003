//! `rotating-auth gateway` and `demo`: the built program, between real sockets.

mod arguments;
mod audit;
mod authorization;
mod client_auth;
mod config;
mod cors;
mod credentials;
mod demo;
mod draining;
mod edge;
mod faults;
mod forwarding;
mod hangups;
pub(crate) mod harness;
mod health;
mod healthcheck;
mod hostile;
mod logs;
#[cfg(unix)]
mod nothing_lost;
mod overlap;
mod streaming;
mod tls;
mod upgrades;
mod uploads;
mod upstream_key;
