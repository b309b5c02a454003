//! The permission not to check keys.

use std::net::SocketAddr;

use crate::inbound::config_error::{ConfigError, ConfigErrorKind};

/// The permission to let every request through, for a listener that only this machine can reach.
#[derive(Clone, Copy, Debug)]
pub struct DangerouslyOpen {
    listener: SocketAddr,
}

impl DangerouslyOpen {
    pub(crate) const fn listener(self) -> SocketAddr {
        self.listener
    }

    /// Creates the permission for a service that listens on this address.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`NotLoopback`](ConfigErrorKind::NotLoopback) if it is not a
    /// loopback address.
    pub fn on_loopback(listener: SocketAddr) -> Result<Self, ConfigError> {
        if listener.ip().to_canonical().is_loopback() {
            Ok(Self { listener })
        } else {
            let message = format!(
                "{listener} is not a loopback address, and without keys everybody on the network \
                 could use the service; listen on 127.0.0.1 or [::1], or require keys"
            );
            Err(ConfigError::new(ConfigErrorKind::NotLoopback, message))
        }
    }
}
