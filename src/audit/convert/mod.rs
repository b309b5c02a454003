//! Audit events from the events of each part.

mod engine;
#[cfg(feature = "inbound")]
mod inbound;
#[cfg(feature = "keyring")]
mod keyring;
#[cfg(feature = "outbound")]
mod outbound;
