//! Clients: who they are, what they may do, and TLS to them.

mod authorization;
mod challenges;
mod client_auth;
mod cors;
mod tls;
