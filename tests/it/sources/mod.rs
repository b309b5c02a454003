//! Tests of sources beyond files: each against a process or a server of its own on loopback.

mod adapters;
#[cfg(all(
    feature = "exec",
    feature = "oauth2",
    feature = "serde",
    feature = "vault"
))]
mod config;
#[cfg(all(feature = "exec", unix))]
mod exec;
#[cfg(feature = "http")]
mod http;
mod isolation;
#[cfg(feature = "oauth2")]
mod oauth2;
#[cfg(feature = "http")]
mod outage;
mod own;
#[cfg(feature = "http")]
mod support;
#[cfg(feature = "vault")]
mod vault;
