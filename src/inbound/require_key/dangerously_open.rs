//! Leave to let everybody through.

use std::net::SocketAddr;

use crate::inbound::config_error::{ConfigError, ConfigErrorKind};

/// Leave to let everybody through: only for a listener that nobody else can reach.
#[derive(Clone, Copy, Debug)]
pub struct DangerouslyOpen {
    listener: SocketAddr,
}

impl DangerouslyOpen {
    pub(crate) const fn listener(self) -> SocketAddr {
        self.listener
    }

    /// Leave for a service that listens on this address.
    ///
    /// # Errors
    ///
    /// When it is not a loopback address.
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
