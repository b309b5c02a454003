//! Leave to let everybody through.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;

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
    pub fn on_loopback(listener: SocketAddr) -> Result<Self, NotLoopback> {
        if listener.ip().to_canonical().is_loopback() {
            Ok(Self { listener })
        } else {
            Err(NotLoopback(listener))
        }
    }
}

/// An address that others can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotLoopback(SocketAddr);

impl fmt::Display for NotLoopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(address) = self;
        write!(
            f,
            "{address} is not a loopback address: without keys, everybody on the network would be let in"
        )
    }
}

impl Error for NotLoopback {}
