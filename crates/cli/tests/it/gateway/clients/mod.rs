//! Clients: who they are, what they may do, and TLS to them.

mod authorization;

mod client_auth;
mod cors;
mod tls;
